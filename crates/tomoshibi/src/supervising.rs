//! What a service starts: it starts the station with the newest program that has proved itself, watches it, and starts it again.
//!
//! A program on trial must come up and stay up; else the one before it is started again, without anybody. Before each start the
//! program's signatures and hash are checked. A program that was installed by hand is always there to fall back on: this one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use downtime::updates::{Choice, ProgramSlot, ProgramSlots, UpdateFault};

use crate::config::Config;
use crate::updating::{self, PLATFORM};
use crate::{clock, home};

mod log;

/// With this code a station asks to be started again at once: another program waits.
pub const AGAIN: u8 = 75;

/// What a station says on its standard output when it has come up.
pub const UP: &str = "TOMOSHIBI-UP";

/// How often the station is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long a station may take to stop before it is ended.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// After so many starts in a row that did not come up, a program that had proved itself gives way to the installed one.
const FAILURES: u32 = 5;

/// Longest pause between two starts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Resolves when this process is told to stop: Ctrl+C, and on Linux SIGTERM.
///
/// # Errors
/// When signals cannot be heard.
pub fn told_to_stop() -> Result<Receiver<()>> {
    let (stop, stopped) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(crate::serving::told_to_stop());
        let _ = stop.send(());
    })?;
    Ok(stopped)
}

/// Runs the station of a configuration until told to stop.
///
/// # Errors
/// When the configuration cannot be read or the first start is not possible at all.
pub fn run(config_file: &Path, stop: Receiver<()>) -> Result<ExitCode> {
    let config = Config::read(config_file)?;
    let data = config.data();
    let supervisor = Supervisor {
        config_file,
        slots: updating::slots(&data)?,
        own: std::env::current_exe().context("このプログラムの場所が分かりません")?,
        words: log::Words::start(&data),
        config,
        data,
        stop,
    };
    supervisor.watch()
}

struct Supervisor<'a> {
    config_file: &'a Path,
    config: Config,
    data: PathBuf,
    slots: ProgramSlots,
    own: PathBuf,
    words: log::Words,
    stop: Receiver<()>,
}

/// A program to start.
struct Chosen {
    program: PathBuf,
    /// Where it lies; `None` for the installed one.
    slot: Option<ProgramSlot>,
    on_trial: bool,
}

/// How a station ended.
enum Ended {
    /// It was told to, for good.
    Stopped,
    /// It wants to be started again.
    Again,
    /// By itself.
    ByItself { came_up: bool, status: ExitStatus },
    /// It did not start at all.
    NotStarted,
    /// It was on trial and is given up.
    GivenUp,
}

impl Supervisor<'_> {
    fn watch(&self) -> Result<ExitCode> {
        let mut failures = 0_u32;
        loop {
            let chosen = self.choose();
            match self.attend(&chosen)? {
                Ended::Stopped => return Ok(ExitCode::SUCCESS),
                Ended::Again | Ended::GivenUp => {
                    failures = 0;
                    continue;
                }
                Ended::ByItself { came_up: true, status } => {
                    failures = 1;
                    self.tell(&format!("端末のプログラムが終わりました（{status}）。もう一度始めます"));
                }
                Ended::ByItself { came_up: false, status } => {
                    failures += 1;
                    self.tell(&format!(
                        "端末のプログラムが立ち上がりません（{status}、{failures} 回目）"
                    ));
                }
                Ended::NotStarted => failures += 1,
            }
            if failures >= FAILURES && chosen.slot.is_some() {
                self.fall_back("続けて立ち上がりませんでした");
                failures = 0;
            }
            let pause = Duration::from_secs(u64::from(failures) * 2).min(LONGEST_PAUSE);
            match self.stop.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            }
        }
    }

    /// Which program is started: whatever is wrong with the newer ones, there is one.
    fn choose(&self) -> Chosen {
        let installed = || Chosen {
            program: self.own.clone(),
            slot: None,
            on_trial: false,
        };
        let choice = match self.slots.state() {
            Ok(state) => state.choice(),
            Err(fault) => {
                self.tell(&format!("{fault}。入れてあるプログラムで始めます"));
                return installed();
            }
        };
        let (slot, on_trial) = match choice {
            Choice::Installed => return installed(),
            Choice::GiveUp(_) => {
                self.go_back("何度始めても立ち上がりませんでした");
                return self.choose_again(installed);
            }
            Choice::Trial(slot) => (slot, true),
            Choice::Proven(slot) => (slot, false),
        };
        // Counted before it is started: a machine that goes down with it comes back without it.
        let checked = self.check(slot).and_then(|()| {
            if on_trial {
                updating::alone(&self.data, || self.slots.starting())
            } else {
                Ok(())
            }
        });
        match checked {
            Ok(()) => Chosen {
                program: self.slots.program(slot),
                slot: Some(slot),
                on_trial,
            },
            Err(fault @ UpdateFault::Disk(_)) => {
                self.tell(&format!("{fault}。入れてあるプログラムで始めます"));
                installed()
            }
            Err(fault) => {
                if on_trial {
                    self.go_back(&fault.to_string());
                } else {
                    self.fall_back(&fault.to_string());
                }
                self.choose_again(installed)
            }
        }
    }

    /// After a change of the state; where the state could not be changed the installed program is started, and no loop is entered.
    fn choose_again(&self, installed: impl Fn() -> Chosen) -> Chosen {
        match self.slots.state().map(|state| state.choice()) {
            Ok(Choice::Proven(slot)) if self.check(slot).is_ok() => Chosen {
                program: self.slots.program(slot),
                slot: Some(slot),
                on_trial: false,
            },
            _ => installed(),
        }
    }

    fn check(&self, slot: ProgramSlot) -> Result<(), UpdateFault> {
        let trust = updating::trust(&self.config)
            .map_err(|fault| UpdateFault::Disk(format!("確かめられません（{fault:#}）")))?;
        let held = self.slots.verify(slot, &trust, PLATFORM)?;
        updating::make_runnable(&self.slots.program(slot))
            .map_err(|error| UpdateFault::Disk(format!("使えません（{error}）")))?;
        self.tell(&format!("版 {} を始めます", held.version));
        Ok(())
    }

    /// Starts a program and stays with it until it ends.
    fn attend(&self, chosen: &Chosen) -> Result<Ended> {
        let mut child = match self.spawn(&chosen.program) {
            Ok(child) => child,
            Err(error) => {
                self.tell(&format!("{} を始められません（{error}）", chosen.program.display()));
                if chosen.on_trial {
                    self.go_back(&format!("始められません（{error}）"));
                    return Ok(Ended::GivenUp);
                }
                return Ok(Ended::NotStarted);
            }
        };
        let (up, came_up) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::Builder::new()
                .name("station".into())
                .spawn(move || listen(output, &up))?;
        }
        if let Some(errors) = child.stderr.take() {
            self.words.follow(errors)?;
        }
        let mut leash = child.stdin.take();
        let began = clock::running();
        let mut up_since = None;
        let mut on_trial = chosen.on_trial;
        loop {
            match self.stop.recv_timeout(LOOK_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    stop(&mut child, &mut leash);
                    return Ok(Ended::Stopped);
                }
            }
            if came_up.try_recv().is_ok() {
                up_since = Some(clock::running());
            }
            if let Some(status) = child.try_wait()? {
                if on_trial {
                    self.go_back(&format!("試している間に終わりました（{status}）"));
                    return Ok(Ended::GivenUp);
                }
                if status.code() == Some(i32::from(AGAIN)) {
                    return Ok(Ended::Again);
                }
                return Ok(Ended::ByItself {
                    came_up: up_since.is_some(),
                    status,
                });
            }
            if on_trial {
                let healthy = Duration::from_secs(self.config.update.healthy_seconds);
                let proof = Duration::from_secs(self.config.update.proof_seconds);
                match up_since {
                    None if clock::running().saturating_sub(began) > healthy => {
                        stop(&mut child, &mut leash);
                        self.go_back(&format!("{} 秒以内に立ち上がりませんでした", healthy.as_secs()));
                        return Ok(Ended::GivenUp);
                    }
                    Some(since) if clock::running().saturating_sub(since) >= proof => {
                        match updating::alone(&self.data, || self.slots.proven()) {
                            Ok(()) => {
                                on_trial = false;
                                self.tell("新しい版は立ち上がり、動き続けています。この版を使います");
                            }
                            // Asked again at the next look; meanwhile it runs.
                            Err(fault) => tracing::error!("★ {fault}"),
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn spawn(&self, program: &Path) -> std::io::Result<Child> {
        let mut command = Command::new(program);
        command.args(["serve", "--supervised", "-c"]).arg(self.config_file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if self.words.keeps() {
            command.stderr(Stdio::piped());
        }
        // On Linux a program that was just written may still be open for writing in a process that is being forked elsewhere.
        for _ in 0..20 {
            match command.spawn() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::sleep(LOOK_EVERY),
                other => return other,
            }
        }
        command.spawn()
    }

    fn go_back(&self, why: &str) {
        match updating::alone(&self.data, || self.slots.went_back(why, clock::now())) {
            Ok(()) => self.tell(&format!("★ 前の版へ戻ります: {why}")),
            Err(fault) => self.tell(&format!("★ 前の版へ戻れません: {why}: {fault}")),
        }
    }

    fn fall_back(&self, why: &str) {
        match updating::alone(&self.data, || self.slots.fall_back(why, clock::now())) {
            Ok(()) => self.tell(&format!("★ 入れてあるプログラムへ戻ります: {why}")),
            Err(fault) => self.tell(&format!("★ 入れてあるプログラムへ戻れません: {why}: {fault}")),
        }
    }

    fn tell(&self, what: &str) {
        tracing::info!("{what}");
        self.words.line(what);
        let line = format!("{} supervisor: {what}", clock::now().text());
        if let Err(error) = home::log(&self.data, "updates.log", &line) {
            tracing::error!(%error, "the log of updates cannot be written");
        }
    }
}

/// Passes on what the station prints, and tells when it has come up.
fn listen(output: impl std::io::Read, up: &Sender<()>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if line.starts_with(UP) {
            let _ = up.send(());
        }
        say!("{line}");
    }
}

/// Lets go of the station's standard input, which tells it to stop, and ends it if it does not.
fn stop(child: &mut Child, leash: &mut Option<ChildStdin>) {
    drop(leash.take());
    let until = clock::running() + STOP_PATIENCE;
    while clock::running() < until {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    tracing::error!("the station did not stop by itself and is ended; everything acknowledged is on the disk");
    let _ = child.kill();
    let _ = child.wait();
}
