//! The hub's side of certificates: a station asks for one, signed with the key that an officer enrolled, and gets it for its own address.
//!
//! Which name stands in the certificate is decided by the roster, never by whoever asks: otherwise one station could stand in for the hub in
//! front of people who type their passwords.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chart::{Moment, StationCode};
use downtime::identity::{Enrolled, Roster};
use downtime::stations::Station;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use vault::sign::Purpose;

use crate::authority::{Issuing, Point};
use crate::certificates::host;
use crate::config::Config;
use crate::home::Home;

/// Largest request, in bytes.
const MAX_BODY: usize = 4 << 10;
/// Largest clock difference of a request, in seconds: older ones are somebody's copies. Wide, because a certificate is what mends lines
/// between clocks that are wrong.
const MAX_APART: i64 = 7 * 86_400;
/// Most certificates of an answer.
const MOST_CHAIN: usize = 8;

/// What a station asks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    #[n(0)]
    code: StationCode,
    #[n(1)]
    point: ByteVec,
    #[n(2)]
    at: i64,
    #[n(3)]
    signature: ByteVec,
}

/// What the hub answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Granted {
    #[n(0)]
    chain: Vec<ByteVec>,
}

impl Granted {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let read: Self = minicbor::decode(bytes).ok().context("hub の返事を読めません")?;
        ensure!(read.chain.len() <= MOST_CHAIN, "hub の返事の証明書が多すぎます");
        Ok(read)
    }

    /// The certificates (DER), the station's first.
    #[must_use]
    pub fn chain(&self) -> Vec<Vec<u8>> {
        self.chain.iter().map(|der| der.to_vec()).collect()
    }
}

impl Request {
    /// Asks for a certificate of this key.
    #[must_use]
    pub fn new(home: &Home, point: &Point, now: Moment) -> Self {
        let mut request = Self {
            code: home.code,
            point: rcgen::PublicKeyData::der_bytes(point).to_vec().into(),
            at: now.0,
            signature: Vec::new().into(),
        };
        let signed = home.secret.sign(Purpose::Certificate, &request.signed(&home.roster));
        request.signature = signed.to_vec().into();
        request
    }

    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Hospital, station, moment, key.
    fn signed(&self, roster: &Roster) -> Vec<u8> {
        let mut bytes = roster.hospital().0.to_vec();
        bytes.extend_from_slice(self.code.as_str().as_bytes());
        bytes.extend_from_slice(&self.at.to_le_bytes());
        bytes.extend_from_slice(&self.point);
        bytes
    }

    /// Reads a request and proves it against the roster: who asks, and for which key.
    fn proven<'r>(bytes: &[u8], roster: &'r Roster, now: Moment) -> Result<(&'r Enrolled, Point)> {
        let request: Self = minicbor::decode(bytes).ok().context("依頼を読めません")?;
        let enrolled = roster
            .station(request.code)
            .filter(|station| !station.retired)
            .context("名簿にない端末です")?;
        let signature: [u8; 64] = request
            .signature
            .as_slice()
            .try_into()
            .ok()
            .context("署名がありません")?;
        enrolled
            .public()?
            .verify(Purpose::Certificate, &request.signed(roster), &signature)
            .ok()
            .context("署名が名簿の鍵と合いません")?;
        ensure!(
            now.0.abs_diff(request.at) <= MAX_APART.unsigned_abs(),
            "端末の時計が hub と1週間以上違います。合わせてください"
        );
        let point = Point::from_bytes(&request.point).context("鍵の形が違います")?;
        Ok((enrolled, point))
    }
}

#[derive(Clone)]
struct Hub {
    station: Arc<Station>,
    config: Arc<Config>,
}

/// Routes under `/parcel/certificate`.
pub fn routes(station: Arc<Station>, config: &Config) -> Router {
    let config = Arc::new(config.clone());
    Router::new()
        .route("/parcel/certificate", post(certificate))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Hub { station, config })
}

async fn certificate(State(hub): State<Hub>, body: Bytes) -> Response {
    let done = tokio::task::spawn_blocking(move || grant(&hub, &body)).await;
    match done {
        Ok(Ok(granted)) => ([(header::CONTENT_TYPE, "application/cbor")], granted).into_response(),
        Ok(Err(fault)) => {
            tracing::warn!("a certificate was not given: {fault:#}");
            (StatusCode::FORBIDDEN, format!("{fault:#}")).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn grant(hub: &Hub, body: &[u8]) -> Result<Vec<u8>> {
    // The file, not the snapshot: who was retired a minute ago gets none.
    let home = Home::open(&hub.config)?;
    let chain = granted(&home, &hub.config.station.names, body, hub.station.now())?;
    let chain = chain.into_iter().map(ByteVec::from).collect();
    minicbor::to_vec(Granted { chain }).context("返事を作れません")
}

/// The certificate of one request.
///
/// # Errors
/// Why there is none, in words for the log of both.
pub fn granted(home: &Home, names: &[String], body: &[u8], now: Moment) -> Result<Vec<Vec<u8>>> {
    let (enrolled, point) = Request::proven(body, &home.roster, now)?;
    let Some(issuing) = Issuing::read(&home.data)? else {
        bail!("この hub には証明書を作る鍵がありません（tomoshibi ca new）");
    };
    let address = enrolled
        .address
        .as_ref()
        .with_context(|| format!("端末 {} の住所が名簿にありません", enrolled.code))?;
    let name = host(address)?;
    // People type their passwords where it says hub.
    ensure!(
        enrolled.hub || !is_a_hubs(home, names, &name),
        "{name} は hub の名前です。端末 {} の住所を確かめてください",
        enrolled.code
    );
    issuing.issue(&point, &[name], now)
}

fn is_a_hubs(home: &Home, names: &[String], name: &str) -> bool {
    let hubs = home
        .roster
        .stations
        .iter()
        .filter(|station| station.hub || station.code == home.code);
    let mut addresses = hubs.filter_map(|hub| host(hub.address.as_deref()?).ok());
    names.iter().any(|own| own == name) || addresses.any(|own| own == name)
}
