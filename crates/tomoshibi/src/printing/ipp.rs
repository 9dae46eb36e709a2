//! One printer, asked and told by IPP over HTTP (RFC 8010, RFC 8011): five operations, every answer bounded in size and time.
//!
//! It follows no redirect and no proxy of the environment: pages go to the listed address or nowhere. TLS is in
//! `tls`. Deliberately absent: discovery, and any raw port.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::Uri;
use downtime::printing::{Condition, Health, Job, JobId, Need, Paper, Printer, Stop, Trouble};
use ipp::attribute::{IppAttribute, IppAttributes};
use ipp::model::{DelimiterTag, IppVersion, Operation, StatusCode};
use ipp::parser::IppParser;
use ipp::reader::IppReader;
use ipp::request::IppRequestResponse;
use ipp::value::{IppName, IppValue};
use ureq::Timeout;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

use super::tls::{NoHandshake, NotProven, Secured, Trust};

/// Longest answer read, in bytes.
const MAX_ANSWER: u64 = 256 << 10;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a question may take in all.
const ASK: Duration = Duration::from_secs(15);
/// How long handing over pages may take in all: printers that receive while they warm up are slow.
const HAND_OVER: Duration = Duration::from_secs(180);

/// A client of one printer.
pub struct Client {
    agent: ureq::Agent,
    url: String,
    uri: Uri,
    trays: BTreeMap<Paper, String>,
}

/// How a sheet is described to the printer.
pub struct Ticket<'a> {
    /// The queue's name of the job.
    pub id: JobId,
    /// The job: only form, paper and who printed are told.
    pub job: &'a Job,
}

/// What became of handing over pages.
#[derive(Debug, PartialEq, Eq)]
pub enum Handed {
    /// The printer has it, under this number.
    Accepted(i32),
    /// Surely nothing was taken; try again.
    Later(Trouble),
    /// It will never take this.
    Never(Stop),
    /// Nobody knows.
    Unknown,
}

/// What a printer says about a job it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It will print or is printing.
    Going,
    /// It came out.
    Printed,
    /// The printer gave it up.
    Aborted,
    /// Somebody took it back.
    TakenBack,
    /// It does not know this job (any more).
    Forgotten,
    /// It does not answer.
    Silent,
}

impl Client {
    /// A client of a listed printer.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(printer: &Printer, trust: Option<&Trust>) -> Result<Self> {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ASK))
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .build();
        let connector = ().chain(TcpConnector::default()).chain(Secured::new(trust)?);
        let agent = ureq::Agent::with_parts(config, connector, DefaultResolver::default());
        let uri: Uri = printer.uri.parse().context("プリンタの uri")?;
        let host = uri.authority().context("プリンタの uri に相手の名前がありません")?;
        let url = match (uri.scheme_str(), host.port_u16()) {
            (Some("ipp"), None) => format!("http://{}:631{}", host.host(), uri.path()),
            (Some("ipps"), None) => format!("https://{}:631{}", host.host(), uri.path()),
            (Some("ipps" | "https"), _) => format!("https://{host}{}", uri.path()),
            _ => format!("http://{host}{}", uri.path()),
        };
        Ok(Self {
            agent,
            url,
            uri,
            trays: printer.trays.clone(),
        })
    }

    /// How the printer is.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let Ok(mut request) = self.request(Operation::GetPrinterAttributes) else {
            return Condition::default();
        };
        let wanted = ["printer-state", "printer-state-reasons", "printer-is-accepting-jobs"];
        ask_for(&mut request, &wanted);
        let answer = match self.send(&request, &[], ASK) {
            Ok(answer) if answer.header().status_code().is_success() => answer,
            Ok(_) => return only(Health::Refuses),
            Err(Fault::Http(_) | Fault::NotIpp | Fault::NotProven) => return only(Health::Refuses),
            Err(Fault::NotSent | Fault::Unknown) => return only(Health::Silent),
        };
        let found = answer.attributes();
        let state = number(found, DelimiterTag::PrinterAttributes, "printer-state");
        let accepting = match value(found, DelimiterTag::PrinterAttributes, "printer-is-accepting-jobs") {
            Some(IppValue::Boolean(accepting)) => *accepting,
            _ => true,
        };
        let mut needs: Vec<Need> = match value(found, DelimiterTag::PrinterAttributes, "printer-state-reasons") {
            Some(IppValue::Array(reasons)) => reasons.iter().filter_map(need).collect(),
            Some(reason) => need(reason).into_iter().collect(),
            None => Vec::new(),
        };
        needs.sort_unstable();
        needs.dedup();
        let health = match state {
            _ if !accepting => Health::Stopped,
            Some(3) => Health::Ready,
            Some(4) => Health::Busy,
            Some(5) => Health::Stopped,
            _ => Health::Refuses,
        };
        Condition { health, needs }
    }

    /// Whether the printer would take this sheet (Validate-Job): nothing is printed. `Accepted(0)` means yes.
    #[must_use]
    pub fn validate(&self, ticket: &Ticket<'_>) -> Handed {
        match self.ticketed(Operation::ValidateJob, ticket) {
            Err(_) => Handed::Never(Stop::NotPrintable),
            Ok(request) => match self.send(&request, &[], ASK) {
                Ok(answer) => verdict(answer.header().status_code()).map_or(Handed::Accepted(0), |no| no),
                // Nothing was handed over, so whatever went wrong may be tried again.
                Err(fault) => match fault.verdict() {
                    Handed::Unknown => Handed::Later(Trouble::Silent),
                    verdict => verdict,
                },
            },
        }
    }

    /// Hands the pages over (Print-Job).
    #[must_use]
    pub fn print(&self, ticket: &Ticket<'_>, pdf: &[u8]) -> Handed {
        let Ok(request) = self.ticketed(Operation::PrintJob, ticket) else {
            return Handed::Never(Stop::NotPrintable);
        };
        let answer = match self.send(&request, pdf, HAND_OVER) {
            Ok(answer) => answer,
            Err(fault) => return fault.verdict(),
        };
        if let Some(no) = verdict(answer.header().status_code()) {
            return no;
        }
        // Taken, but without a number it cannot be asked about.
        number(answer.attributes(), DelimiterTag::JobAttributes, "job-id").map_or(Handed::Unknown, Handed::Accepted)
    }

    /// What became of a job it took.
    #[must_use]
    pub fn progress(&self, job: i32) -> Progress {
        let Ok(mut request) = self.about(Operation::GetJobAttributes, job) else {
            return Progress::Forgotten;
        };
        ask_for(&mut request, &["job-state"]);
        let answer = match self.send(&request, &[], ASK) {
            Ok(answer) => answer,
            Err(_) => return Progress::Silent,
        };
        match answer.header().status_code() {
            StatusCode::ClientErrorNotFound | StatusCode::ClientErrorGone | StatusCode::ClientErrorNotPossible => {
                return Progress::Forgotten;
            }
            status if !status.is_success() => return Progress::Silent,
            _ => {}
        }
        match number(answer.attributes(), DelimiterTag::JobAttributes, "job-state") {
            Some(3..=6) => Progress::Going,
            Some(7) => Progress::TakenBack,
            Some(8) => Progress::Aborted,
            Some(9) => Progress::Printed,
            _ => Progress::Forgotten,
        }
    }

    /// Asks the printer to give a job up (Cancel-Job). What became of it, [`Self::progress`] says.
    pub fn withdraw(&self, job: i32) {
        if let Ok(request) = self.about(Operation::CancelJob, job)
            && self.send(&request, &[], ASK).is_err()
        {
            tracing::warn!("a printer could not be asked to give a job up");
        }
    }

    fn request(&self, operation: Operation) -> Result<IppRequestResponse> {
        Ok(IppRequestResponse::new(
            IppVersion::v1_1(),
            operation,
            Some(self.uri.clone()),
        )?)
    }

    fn about(&self, operation: Operation, job: i32) -> Result<IppRequestResponse> {
        let mut request = self.request(operation)?;
        add(
            &mut request,
            DelimiterTag::OperationAttributes,
            "job-id",
            IppValue::Integer(job),
        )?;
        let us = IppValue::new_name_without_language("tomoshibi")?;
        add(
            &mut request,
            DelimiterTag::OperationAttributes,
            "requesting-user-name",
            us,
        )?;
        Ok(request)
    }

    /// The description of a sheet. Its name says form and queue number, never a patient.
    fn ticketed(&self, operation: Operation, ticket: &Ticket<'_>) -> Result<IppRequestResponse> {
        let mut request = self.request(operation)?;
        let name = format!("tomoshibi {} {}", ticket.job.form, ticket.id.hex());
        for (key, value) in [
            (
                "requesting-user-name",
                IppValue::new_name_without_language("tomoshibi")?,
            ),
            ("job-name", IppValue::new_name_without_language(name)?),
            ("document-format", IppValue::new_mime_media_type("application/pdf")?),
        ] {
            add(&mut request, DelimiterTag::OperationAttributes, key, value)?;
        }
        let paper = Paper::parse(&ticket.job.paper).context("用紙の大きさ")?;
        let tray = self.trays.get(&paper).filter(|tray| !tray.is_empty());
        let (key, value) = match tray {
            None => ("media", IppValue::new_keyword(paper.media())?),
            Some(tray) => ("media-col", media(paper, tray)?),
        };
        add(&mut request, DelimiterTag::JobAttributes, key, value)?;
        Ok(request)
    }

    fn send(&self, request: &IppRequestResponse, pages: &[u8], limit: Duration) -> Result<IppRequestResponse, Fault> {
        let mut body = request.to_bytes().to_vec();
        body.extend_from_slice(pages);
        let answer = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(limit))
            .build()
            .header("Content-Type", "application/ipp")
            .send(&body[..])
            .map_err(|error| Fault::of(&error))?;
        let bytes = answer
            .into_body()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|_| Fault::Unknown)?;
        IppParser::new(IppReader::new(Cursor::new(bytes)))
            .parse()
            .map_err(|_| Fault::NotIpp)
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Fault {
    /// No connection came about: nothing was sent.
    NotSent,
    /// The server refused the request as a web server does.
    Http(u16),
    /// It answered something that is not IPP.
    NotIpp,
    /// It has not proven that it is the listed printer: nothing was sent.
    NotProven,
    /// It broke off on the way.
    Unknown,
}

impl Fault {
    fn of(error: &ureq::Error) -> Self {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        match error {
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Self::NotSent,
            ureq::Error::Io(error)
                if matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable) =>
            {
                Self::NotSent
            }
            ureq::Error::Other(why) if why.is::<NotProven>() => Self::NotProven,
            ureq::Error::Other(why) if why.is::<NoHandshake>() => Self::NotSent,
            ureq::Error::StatusCode(status) => Self::Http(*status),
            _ => Self::Unknown,
        }
    }

    /// What it means for a sheet that was being handed over.
    const fn verdict(&self) -> Handed {
        match self {
            Self::NotSent => Handed::Later(Trouble::Silent),
            Self::NotProven => Handed::Never(Stop::NotProven),
            Self::Http(401 | 403) => Handed::Never(Stop::NotAllowed),
            Self::Http(503) => Handed::Later(Trouble::Busy),
            Self::Http(400..=499) => Handed::Never(Stop::NoSuchPrinter),
            Self::Http(_) | Self::NotIpp | Self::Unknown => Handed::Unknown,
        }
    }
}

/// What a status of RFC 8011 (appendix B) means for a sheet; `None` is yes.
fn verdict(status: StatusCode) -> Option<Handed> {
    use StatusCode as S;
    if status.is_success() {
        return None;
    }
    Some(match status {
        S::ClientErrorForbidden | S::ClientErrorNotAuthenticated | S::ClientErrorNotAuthorized => {
            Handed::Never(Stop::NotAllowed)
        }
        S::ClientErrorNotFound | S::ClientErrorGone => Handed::Never(Stop::NoSuchPrinter),
        S::ServerErrorBusy
        | S::ServerErrorNotAcceptingJobs
        | S::ServerErrorServiceUnavailable
        | S::ServerErrorTemporaryError
        | S::ServerErrorDeviceError
        | S::ClientErrorTimeout
        | S::ClientErrorNotPossible => Handed::Later(Trouble::Busy),
        S::ServerErrorInternalError | S::ServerErrorJobCanceled | S::UnknownStatusCode => Handed::Unknown,
        _ => Handed::Never(Stop::NotPrintable),
    })
}

fn only(health: Health) -> Condition {
    Condition {
        health,
        needs: Vec::new(),
    }
}

fn need(value: &IppValue) -> Option<Need> {
    match value {
        IppValue::Keyword(keyword) => Need::parse(keyword.as_str()),
        _ => None,
    }
}

fn add(request: &mut IppRequestResponse, group: DelimiterTag, name: &str, value: IppValue) -> Result<()> {
    let attribute = IppAttribute::with_name(name, value)?;
    request.attributes_mut().add(group, attribute);
    Ok(())
}

fn ask_for(request: &mut IppRequestResponse, names: &[&str]) {
    let wanted = names.iter().filter_map(|name| IppValue::new_keyword(*name).ok());
    let wanted = IppValue::Array(wanted.collect());
    if let Ok(attribute) = IppAttribute::with_name("requested-attributes", wanted) {
        request
            .attributes_mut()
            .add(DelimiterTag::OperationAttributes, attribute);
    }
}

/// Size and tray (`media-col`, PWG 5100.7).
fn media(paper: Paper, tray: &str) -> Result<IppValue> {
    let name = |text: &str| IppName::new(text.to_owned());
    let (width, height) = paper.size();
    let size = BTreeMap::from([
        (name("x-dimension")?, IppValue::Integer(width)),
        (name("y-dimension")?, IppValue::Integer(height)),
    ]);
    Ok(IppValue::Collection(BTreeMap::from([
        (name("media-size")?, IppValue::Collection(size)),
        (name("media-source")?, IppValue::new_keyword(tray)?),
    ])))
}

fn value<'a>(found: &'a IppAttributes, group: DelimiterTag, name: &str) -> Option<&'a IppValue> {
    found
        .groups_of(group)
        .find_map(|group| group.get(name).map(IppAttribute::value))
}

fn number(found: &IppAttributes, group: DelimiterTag, name: &str) -> Option<i32> {
    match value(found, group, name)? {
        IppValue::Integer(number) | IppValue::Enum(number) => Some(*number),
        _ => None,
    }
}
