//! A running station: the desk on its port, the watch over the EHR, the visits to the hub, the nightly extract.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use downtime::forms::OrderLists;
use downtime::printing::Paper;
use downtime::stations::{Parts, Station};
use press::{Forms, Press};
use tokio::net::TcpListener;
use vault::files::Disk;

use crate::certificates::Keeper;
use crate::config::Config;
use crate::home::Home;
use crate::line::Line;
use crate::listening::{Door, Limits};
use crate::office::Office;
use crate::roster_link::{self, RosterLink};
use crate::{
    alive, certificate_routes, clock, disk_room, disk_watch, enrol_routes, fetching, gossip, heartbeat, hub_link,
    listening, parcel_routes, printing, probes, proving, random, receipt_routes, release_routes, schedule,
    snapshot_routes, timekeeping,
};

/// Starts the station of a configuration: journal recovered, shelf opened, watches running.
///
/// # Errors
/// When keys, journal or shelf cannot be used.
pub fn station(config: &Config) -> Result<Arc<Station>> {
    started(config).map(|started| started.station)
}

/// A running station with what belongs to its doors.
pub struct Started {
    /// The station.
    pub station: Arc<Station>,
    /// The keeper of its certificate.
    pub keeper: Keeper,
    /// Its line to others.
    pub line: Line,
}

/// The same with what belongs to its doors.
///
/// # Errors
/// As [`station`].
pub fn started(config: &Config) -> Result<Started> {
    let home = Home::open(config)?;
    let line = Line::new(config, &home.roster.authorities())?;
    let parts = Parts {
        hospital_name: config.hospital.name.clone(),
        contact_phone: config.hospital.contact_phone.clone(),
        institution: config.hospital.prescriber(),
        order_lists: order_lists(config),
        payment: config.payment.rules()?,
        code: home.code,
        roster: home.roster.clone(),
        secret: Arc::clone(&home.secret),
        shelf: home.shelf()?,
        data: home.data.clone(),
        files: Arc::new(Disk),
        clock: Arc::new(clock::now),
        has_hub: config.station.hub.is_some(),
    };
    let station = Station::start(parts, Arc::new(|| Box::new(random::system())))?;
    roster_link::watch(&home.data, &station)?;
    let link = RosterLink::new(&home, &station);
    let hub_time = Arc::new(timekeeping::HubTime::default());
    timekeeping::start(&station, config.time.source, Arc::clone(&hub_time), &home.data)?;
    let watched = config.probes()?;
    let keeper = Keeper::new(config, &line, station.now());
    keeper.start(&station)?;
    match config.station.hub_addresses() {
        hubs if !hubs.is_empty() => {
            let every = Duration::from_secs(config.station.hub_every_seconds.max(1));
            hub_link::start(
                &station,
                hubs.clone(),
                every,
                hub_time,
                line.clone(),
                errands(&home, &keeper, &link),
            )?;
            fetching::start(&station, hubs, every, &home.data, line.clone())?;
        }
        _ if watched.iter().any(|probe| probe.what.is_ehr()) => {}
        _ => tracing::warn!("no probe of the EHR: the mode bar cannot say 通常"),
    }
    gossip::start(&station, line.clone())?;
    probes::start(&station, watched, &home.data)?;
    disk_room::start(&station, &home.data)?;
    disk_watch::start(&station, &home.data)?;
    heartbeat::start(&station, home.sealer().ok())?;
    if let Some(extract) = &config.extract {
        schedule::start(&station, config.clone(), extract)?;
    }
    Ok(Started { station, keeper, line })
}

/// What is done at each visit besides exchanging entries.
fn errands(home: &Home, keeper: &Keeper, link: &Arc<RosterLink>) -> Vec<hub_link::Errand> {
    let keeper = keeper.clone();
    vec![
        roster_link::errand(link),
        (
            "certificate",
            Box::new(move |station, agent, hub| keeper.ask(station, agent, hub)),
        ),
        receipt_routes::errand(&proving::board(home)),
        // The next errand goes here.
    ]
}

/// The forms with the hospital's own, if it has any, and what is wrong with those.
///
/// # Errors
/// When the built-in forms cannot be read.
pub fn forms(config: &Config) -> Result<(Forms, Vec<press::PressError>)> {
    Ok(match &config.forms.dir {
        None => (Forms::built_in()?, Vec::new()),
        Some(dir) => Forms::with_directory(&config.path(dir))?,
    })
}

/// The lists of order sheets. A file that cannot be used must not keep a station from starting on the day it is needed: people then
/// order in free text, and the screen, the log and `doctor` say why.
fn order_lists(config: &Config) -> OrderLists {
    config.order_lists().unwrap_or_else(|fault| {
        tracing::error!("★ {fault:#}");
        OrderLists::unreadable(format!("{fault:#}"))
    })
}

/// The press with the hospital's own forms, if it has any.
///
/// # Errors
/// When a form folder cannot be read.
pub fn press(config: &Config) -> Result<Arc<Press>> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    press_of(config, threads)
}

/// The same with so many threads for packs.
///
/// # Errors
/// When a form folder cannot be read.
pub fn press_of(config: &Config, threads: NonZeroUsize) -> Result<Arc<Press>> {
    let (forms, faults) = forms(config)?;
    faults.iter().for_each(|fault| tracing::error!("★ {fault}"));
    Ok(Arc::new(Press::new(forms, threads)?))
}

/// The desk of a station, with nothing of a demo, and the threads of its printers.
///
/// # Errors
/// When the queue to the printers cannot be made.
pub fn desk(config: &Config, station: &Arc<Station>, press: &Arc<Press>) -> Result<desk::Desk> {
    let board = proving::board(&Home::open(config)?);
    let (press, packs_press, proving_press) = (Arc::clone(press), Arc::clone(press), Arc::clone(press));
    let languages = press.forms().languages().iter();
    let languages = languages.map(|(language, name)| (language, name.to_owned())).collect();
    let own_forms = own_forms(press.forms());
    let home = Home::open(config)?;
    let printers = printing::queue(config, &home, Arc::new(Disk))?;
    let link = RosterLink::new(&home, station);
    if let Some(queue) = &printers {
        printing::start(queue, station, &config.trusts()?)?;
    }
    proving::start(config, station, &proving_press, printers.as_ref(), &board)?;
    Ok(desk::Desk {
        station: Arc::clone(station),
        print: Arc::new(move |sheet| {
            let pdf = press.sheet(sheet)?;
            if let Some(why) = &pdf.instead {
                tracing::error!("★ {why}");
            }
            if let Some(warning) = &pdf.warning {
                tracing::error!("★ {warning}");
            }
            let paper = match press.forms().get(&sheet.form)?.about.paper {
                press::Paper::A5 => Paper::A5,
                press::Paper::A4 | press::Paper::A4Landscape => Paper::A4,
            };
            Ok(desk::Printed {
                pdf: pdf.bytes,
                pages: pdf.pages,
                paper,
            })
        }),
        codes: Arc::new(|picture| {
            let found = scan::payloads(picture)?;
            let code = |found: scan::Payload| desk::Code {
                joined: found.joined,
                bytes: found.bytes,
            };
            Ok(found.into_iter().map(code).collect())
        }),
        symbols: config.forms.symbols()?,
        printers,
        backups: Some(crate::backup::facts::lend(config)),
        updates: Some(crate::releases::lend(&home)),
        carry: Some(crate::carrying::lend(config)?),
        packs: Some(Arc::new(crate::packs::lend(config, packs_press)?)),
        fleet: Some(board),
        office: Some(Arc::new(Office::running(config, station, link))),
        silent_browser: config.station.kiosk_printing,
        chance: Arc::new(|bytes| {
            rand_core::Rng::fill_bytes(&mut random::system(), bytes);
            Ok(())
        }),
        demo: Vec::new(),
        languages,
        own_forms,
        notice: None,
        https: false,
        idle_seconds: desk::IDLE_SECONDS,
    })
}

/// Forms of the hospital's own that are about one patient; what is about none, or is another edition, is not asked for at a chart.
fn own_forms(forms: &Forms) -> Vec<desk::OwnForm> {
    let about_one =
        |form: &&press::Form| form.about.patient_strip.is_about_a_patient() && !form.about.code.contains('-');
    let own = forms.added().filter(about_one).map(|form| desk::OwnForm {
        code: form.about.code.clone(),
        title: form.about.title.clone(),
    });
    own.collect()
}

/// Everything one station answers: the desk, and for other stations the parcels.
///
/// # Errors
/// When the desk cannot be built.
pub fn router(config: &Config, station: &Arc<Station>, desk: desk::Desk) -> Result<Router> {
    let strict = desk.https.then(|| config.station.names.clone());
    let router = desk::router(desk)?.merge(others(config, station)?);
    Ok(match strict {
        Some(names) => alive::strictly(router, names),
        None => router,
    })
}

/// What other stations ask, and nothing of the desk.
///
/// # Errors
/// When the station's directory cannot be read.
pub fn others(config: &Config, station: &Arc<Station>) -> Result<Router> {
    let home = Home::open(config)?;
    let board = proving::board(&home);
    let office = Office::running(config, station, RosterLink::new(&home, station));
    let office: Arc<dyn desk::office::Office> = Arc::new(office);
    let others = [
        parcel_routes::routes(Arc::clone(station)),
        snapshot_routes::routes(Arc::clone(station)),
        alive::routes(Arc::clone(station)),
        certificate_routes::routes(Arc::clone(station), config),
        receipt_routes::routes(Arc::clone(station), Some(board)),
        release_routes::routes(&home),
        crate::backup::routes::routes(config.data()),
        enrol_routes::routes(Arc::clone(station), Some(office)),
        // The next routes for other stations go here.
    ];
    Ok(others.into_iter().fold(Router::new(), Router::merge))
}

/// Serves until told to stop, without TLS; requests in flight are finished.
///
/// # Errors
/// When the door has no address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let door = Door {
        listener,
        tls: None,
        router,
        plain: None,
        limits: Limits::default(),
    };
    listening::serve(door, stop).await
}

/// Binds an address.
///
/// # Errors
/// When it is taken, with what to do.
pub async fn bind(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("{address} を使えません。ほかのプログラムが使っていないか、listen の設定を確かめてください")
    })?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Resolves on Ctrl+C, and on SIGTERM where there is one.
pub async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
