//! `tomoshibi scan`: returned paper goes in, page by page to its patient; what is still out comes out as a list.
//!
//! Scans stay in this station's own archive (`data/scans/`), sealed. That a sheet is back other stations hear from the running station,
//! which makes entries of it while somebody is signed in (`Session::tell_of_paper`): this command cannot write to its journal. The
//! files that were scanned stay where they are unless told otherwise.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::{FormId, PatientId, Subject, TemporaryId};
use downtime::audit::Deed;
use downtime::identity::verb;
use downtime::scans::{Archive, Balance, Contents, Decided, Decision, Issued, Page, Register, Sha};
use downtime::stations::{Live, read_entries};
use vault::files::Disk;

use super::ConfigArg;
use super::password::SignInArgs;
use super::person::{Entered, about_each, enter};
use crate::home::Home;
use crate::{clock, random, trail};

mod report;
mod take_in;

/// Takes in scanned sheets and files them by the codes on them; lists what could not be read and what is still out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi scan inbox --user 1001 --password-file pw.txt --pictures look\n  tomoshibi scan --missing --user 1001\n  tomoshibi scan --assign 3fa94c01:12 --sheet 263329000012 --page 1 --user 1001\n  tomoshibi scan --void 263329000013 --reason \"白紙のままシュレッダー\" --user 1001\n  tomoshibi scan --whose 263327070004 --patient 00123456 --user 1001\n\nScanner: 200 dpi, grey, both sides. PDF, TIFF, PNG, JPEG.\nExit codes: 0 done, 3 done but somebody must look."
)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["dir", "missing", "assign", "void", "whose"])))]
pub struct Scan {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    who: SignInArgs,
    /// Directory of scanned files (with its sub-directories), or one file.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Writes small pictures of unread pages here, in the clear: delete them afterwards.
    #[arg(long, value_name = "DIR", requires = "dir")]
    pictures: Option<PathBuf>,
    /// Deletes each scanned file once its bytes are sealed on the disk and read back.
    #[arg(long, requires = "dir")]
    delete_source: bool,
    /// Issued, returned, void and missing for every block of numbers, and every sheet still out.
    #[arg(long)]
    missing: bool,
    /// Says which sheet an unread page is: the first 8 or more digits of its file, and the page of the file.
    #[arg(long, value_name = "FILE:PAGE", requires = "sheet")]
    assign: Option<String>,
    /// Number of the sheet (帳票番号) for --assign.
    #[arg(long, value_name = "NUMBER")]
    sheet: Option<String>,
    /// Page of the sheet for --assign.
    #[arg(long, value_name = "PAGE", default_value_t = 1)]
    page: u8,
    /// The patient's number, where one number was given to two people.
    #[arg(long, value_name = "PATIENT")]
    patient: Option<String>,
    /// Says that this sheet will not come back (使用せず).
    #[arg(long, value_name = "NUMBER", requires = "reason")]
    void: Option<String>,
    /// Says whose a blank sheet is that came back, with --patient as it is written on the paper.
    #[arg(long, value_name = "NUMBER", requires = "patient")]
    whose: Option<String>,
    /// Why, and where the paper is, for --void; why it is decided anew, for --whose.
    #[arg(long)]
    reason: Option<String>,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// What every part of the command needs.
struct Desk {
    home: Home,
    entered: Entered,
    archive: Archive,
    live: Live,
    contents: Contents,
    register: Register,
}

impl Scan {
    /// Runs the command.
    ///
    /// # Errors
    /// When nobody can sign in, or something cannot be kept: what was kept before it is whole, and running again goes on.
    pub fn run(&self) -> Result<ExitCode> {
        let desk = self.open()?;
        if let Some(dir) = &self.dir {
            take_in::run(desk, dir, self.pictures.as_deref(), self.delete_source, self.json)
        } else if let Some(page) = &self.assign {
            self.assign(&desk, page)
        } else if let Some(number) = &self.void {
            self.void(&desk, number)
        } else if let Some(number) = &self.whose {
            self.whose(&desk, number)
        } else {
            report::missing(&desk, self.json)
        }
    }

    fn open(&self) -> Result<Desk> {
        let home = Home::open(&self.config.read()?)?;
        let entered = enter(&home, &self.who, verb::RECONCILE)?;
        let journal = entered.acting.unlocked.journal.clone();
        let journal = journal.context("この利用者は記載を読む鍵を持っていません。何も取り込んでいません")?;
        let live = read_entries(&Disk, &home.data, &home.roster, home.code, &journal)?;
        let archive = Archive::new(Arc::new(Disk), &home.data, home.roster.hospital(), journal);
        let contents = archive.contents()?;
        let register = Register::gather(&live.day(), &contents.packs);
        Ok(Desk {
            home,
            entered,
            archive,
            live,
            contents,
            register,
        })
    }

    fn assign(&self, desk: &Desk, page: &str) -> Result<ExitCode> {
        let (file, at) = unread_page(&desk.contents, page)?;
        let sheet = self.issued(desk, self.sheet.as_deref().unwrap_or_default())?;
        if self.page == 0 || self.page > chart::sheet_code::MAX_SHEET_PAGES {
            bail!("--page は 1 から 99 です。何も変えていません");
        }
        let what = Decided::Assigned {
            file,
            at,
            sheet: sheet.clone(),
            page: self.page,
        };
        desk.decide(what, &sheet)?;
        say!(
            "{at} ページ目を {} の {} ページ目としました",
            desk.words(&sheet),
            self.page
        );
        Ok(ExitCode::SUCCESS)
    }

    fn void(&self, desk: &Desk, number: &str) -> Result<ExitCode> {
        let sheet = self.issued(desk, number)?;
        let reason = self.reason.clone().unwrap_or_default().trim().to_owned();
        if reason.is_empty() || reason.chars().count() > 200 {
            bail!("--reason に、なぜ使わなかったか、紙はどこかを 200 文字までで書いてください。何も変えていません");
        }
        let what = Decided::Void {
            sheet: sheet.clone(),
            reason,
        };
        desk.decide(what, &sheet)?;
        say!("使用せずとしました: {}", desk.words(&sheet));
        Ok(ExitCode::SUCCESS)
    }

    /// Whose a blank sheet is. Who it is is said before it is kept, for the person who holds the paper.
    fn whose(&self, desk: &Desk, number: &str) -> Result<ExitCode> {
        let balance = Balance::draw(&desk.register, &desk.contents);
        let number = FormId::parse(number).with_context(|| format!("{number} は帳票番号（12 桁）ではありません"))?;
        let decided = balance.named.iter().map(|(sheet, _)| sheet);
        let decided = decided.chain(balance.disputed.iter().map(|(sheet, _)| sheet));
        let before = decided.clone().any(|sheet| sheet.form_id == number);
        let reason = self.reason.clone().unwrap_or_default().trim().to_owned();
        if reason.chars().count() > 200 || (before && reason.is_empty()) {
            bail!(
                "{number} はだれのものか、もう決まっています。直すときは --reason に理由を 200 文字までで書いてください。何も変えていません"
            );
        }
        let sheet = balance
            .unnamed
            .iter()
            .chain(decided)
            .find(|sheet| sheet.form_id == number);
        let sheet = sheet.with_context(|| {
            format!("帳票番号 {number} は、だれのものか待っている白紙の用紙ではありません。何も変えていません")
        })?;
        let typed = self.patient.as_deref().unwrap_or_default();
        let temporary = TemporaryId::parse(typed).filter(|id| desk.live.day().temporary(id).is_some());
        let known = PatientId::parse(typed).filter(|id| desk.entered.opened.index().find(id).is_some());
        let subject = temporary.map(Subject::Temporary).or(known.map(Subject::Patient));
        let subject = subject.with_context(|| format!("{typed} の人は見つかりません。何も変えていません"))?;
        let named = Issued {
            subject: subject.clone(),
            ..sheet.clone()
        };
        let what = Decided::Whose {
            sheet: sheet.clone(),
            subject,
            reason,
        };
        desk.decide(what, &named)?;
        say!(
            "この人の用紙としました。紙と違えば、もう一度決め直してください: {}",
            desk.words(&named)
        );
        Ok(ExitCode::SUCCESS)
    }

    /// The sheet of a number, as typed.
    fn issued(&self, desk: &Desk, number: &str) -> Result<Issued> {
        let number = FormId::parse(number)
            .with_context(|| format!("{number} は帳票番号（12 桁）ではありません。用紙の下の数字を確認してください"))?;
        let mut sheets = desk.register.of(&number).to_vec();
        if let Some(patient) = &self.patient {
            sheets.retain(|sheet| sheet.subject.number() == patient);
        }
        match sheets.as_slice() {
            [sheet] => Ok(sheet.clone()),
            [] => bail!("帳票番号 {number} の発行の記録が、この端末にありません。何も変えていません"),
            _ => bail!(
                "帳票番号 {number} は {} 枚に付いています。--patient で患者番号を指定してください。何も変えていません",
                sheets.len()
            ),
        }
    }
}

impl Desk {
    /// Writes that patients' scans are handled, before it happens.
    fn witness(&self, subjects: &BTreeSet<Subject>, detail: &str) -> Result<()> {
        let mut whole = self.entered.acting.sighting(&self.home, Deed::Filed);
        whole.count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        whole.detail = detail.to_owned();
        trail::write(&self.home, about_each(whole, subjects))
    }

    fn decide(&self, what: Decided, sheet: &Issued) -> Result<()> {
        let detail = format!("{} {}", sheet.form, sheet.form_id);
        self.witness(&BTreeSet::from([sheet.subject.clone()]), &detail)?;
        let decision = Decision {
            at: clock::now(),
            by: self.entered.acting.author().user.clone(),
            what,
        };
        Ok(self.archive.keep_decision(&decision, &mut random::system())?)
    }

    /// A sheet for people: form, number, whose.
    fn words(&self, sheet: &Issued) -> String {
        let who = super::export::identity(&sheet.subject, self.entered.opened.index(), &self.live.day());
        match &sheet.subject {
            Subject::Hospital => format!("{} {}", sheet.form, sheet.form_id),
            subject => format!(
                "{} {}  {}  {} {} {}生",
                sheet.form,
                sheet.form_id,
                subject.shown(),
                or_unknown(&who.kana),
                or_unknown(&who.name),
                or_unknown(&who.birth)
            ),
        }
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "（不明）" } else { text }
}

fn hex(sha: &Sha) -> String {
    sha.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An unread page as somebody typed it: `3fa94c01:12`.
fn unread_page(contents: &Contents, typed: &str) -> Result<(Sha, u32)> {
    let parts = typed
        .split_once(':')
        .and_then(|(file, at)| Some((file, at.parse::<u32>().ok()?)));
    let (file, at) = parts.filter(|(file, _)| file.len() >= 8).with_context(|| {
        format!("{typed} は「ファイルの番号の 8 桁以上:ページ」の形ではありません。何も変えていません")
    })?;
    let file = file.to_ascii_lowercase();
    let mut found = contents.scanned.iter().filter(|(sha, _)| hex(sha).starts_with(&file));
    let (Some((sha, scanned)), None) = (found.next(), found.next()) else {
        bail!("{file} で始まるファイルは、ちょうど 1 つではありません。何も変えていません");
    };
    let page = at
        .checked_sub(1)
        .and_then(|at| scanned.pages.get(usize::try_from(at).ok()?));
    match page {
        Some(Page::Unread { .. }) => Ok((*sha, at)),
        Some(Page::Blank) => bail!("{at} ページ目は白紙です。何も変えていません"),
        Some(Page::Filed { .. }) => bail!("{at} ページ目はすでに綴じられています。何も変えていません"),
        None => bail!("{} に {at} ページ目はありません。何も変えていません", scanned.name),
    }
}
