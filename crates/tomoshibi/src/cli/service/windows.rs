//! The service on Windows: registered with the service manager, under a virtual account of its own, started with the machine and again
//! after a fault.
//!
//! Tried under wine only, which has a service manager and no lists of rights; what a hospital must try is in
//! `docs/operating/windows.md`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceSidType, ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use super::{How, NAME, Place, Seen};
use crate::{protecting, supervising};

/// What the service manager answers for a service that is not there.
const NOT_THERE: i32 = 1060;
/// … when nobody started this program as a service.
const NOT_A_SERVICE: i32 = 1063;
/// … when the rights are missing.
const DENIED: i32 = 5;

/// How long a stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Program, rights and service; then it is started.
pub fn install(place: &Place, how: &How) -> Result<()> {
    let program = program_dir(how)?.join("tomoshibi.exe");
    let data = std::path::absolute(place.config.data())?;
    if how.dry_run {
        say!("プログラム: {}", program.display());
        say!(
            "サービス: {NAME}、自動で開始、失敗したら 2・5・30 秒後に再開、アカウント {}",
            protecting::ACCOUNT
        );
        say!(
            "実行: {} service run -c {}",
            program.display(),
            place.config_file.display()
        );
        say!(
            "権限: {} は SYSTEM・管理者・{} だけ",
            data.display(),
            protecting::ACCOUNT
        );
        say!("何も変えていません（--dry-run）");
        return Ok(());
    }
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let info = ServiceInfo {
        name: OsString::from(NAME),
        display_name: OsString::from("Tomoshibi (灯火)"),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.clone(),
        launch_arguments: ["service", "run", "-c"]
            .into_iter()
            .map(OsString::from)
            .chain([place.config_file.clone().into_os_string()])
            .collect(),
        dependencies: Vec::new(),
        account_name: Some(OsString::from(protecting::ACCOUNT)),
        account_password: None,
    };
    let access = ServiceAccess::QUERY_STATUS
        | ServiceAccess::QUERY_CONFIG
        | ServiceAccess::CHANGE_CONFIG
        | ServiceAccess::START
        | ServiceAccess::STOP;
    let service = match manager.open_service(NAME, access) {
        Ok(service) => {
            // A program that runs cannot be replaced.
            stop(&service)?;
            put_program(&place.program, &program)?;
            service.change_config(&info).context("サービスの設定を変えられません")?;
            say!("○ サービス {NAME} を新しくしました: {}", program.display());
            service
        }
        Err(fault) if code(&fault) == Some(NOT_THERE) => {
            put_program(&place.program, &program)?;
            let service = manager.create_service(&info, access).context("サービスを作れません")?;
            say!("○ サービス {NAME} を作りました: {}", program.display());
            service
        }
        Err(fault) => return Err(told(fault)),
    };
    also(
        "説明をつけること",
        service.set_description("電子カルテが止まったときの診療を支えます。止めないでください。"),
    );
    let again = [2, 5, 30].map(|seconds| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(seconds),
    });
    let failing = service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(86_400)),
        reboot_msg: None,
        command: None,
        actions: Some(again.to_vec()),
    });
    also("失敗したときに始め直すこと", failing);
    also(
        "失敗の番号で終わったときも始め直すこと",
        service.set_failure_actions_on_non_crash_failures(true),
    );
    // Without its own identifier the virtual account has no name that rights could be given to.
    also(
        "アカウントに名前をつけること",
        service.set_config_service_sid_info(ServiceSidType::Unrestricted),
    );
    fs::create_dir_all(&data).with_context(|| format!("{} を作れません", data.display()))?;
    protecting::directory(&data, true).with_context(|| {
        format!(
            "{} の権限を絞れません。サービスは入りましたが、始めていません",
            data.display()
        )
    })?;
    say!(
        "○ 権限: {} は SYSTEM・管理者・{} だけ",
        data.display(),
        protecting::ACCOUNT
    );
    service
        .start::<&str>(&[])
        .context("サービスを始められません。イベント ビューアーの「システム」を見てください")?;
    say!("○ サービス {NAME} を始めました。記録は {}", data.join("log").display());
    Ok(())
}

/// What the service should have besides: a manager that refuses it is told of, and the service begins all the same.
fn also(what: &str, outcome: windows_service::Result<()>) {
    if let Err(fault) = outcome {
        say!(
            "■ できません: {what}（{:#}）。サービスは入れますが、あとで確かめてください",
            told(fault)
        );
    }
}

/// Stops and removes the service.
pub fn uninstall(how: &How) -> Result<()> {
    if how.dry_run {
        say!("サービス {NAME} を止めて消す。データとプログラムは残す（何も変えていません）");
        return Ok(());
    }
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    match manager.open_service(NAME, access) {
        Ok(service) => {
            stop(&service)?;
            service.delete().context("サービスを消せません")?;
            say!("○ サービス {NAME} を外しました。データ・設定・プログラムはそのままです（廃棄は tomoshibi dispose）");
            Ok(())
        }
        Err(fault) if code(&fault) == Some(NOT_THERE) => {
            say!("＝ サービス {NAME} は入っていません。何も変えていません");
            Ok(())
        }
        Err(fault) => Err(told(fault)),
    }
}

/// What the service manager says.
pub fn status() -> Result<Seen> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    match manager.open_service(NAME, ServiceAccess::QUERY_STATUS) {
        Ok(service) => {
            let state = service
                .query_status()
                .context("サービスの様子を聞けません")?
                .current_state;
            Ok(Seen {
                installed: true,
                running: state == ServiceState::Running,
                words: format!("{state:?}"),
            })
        }
        Err(fault) if code(&fault) == Some(NOT_THERE) => Ok(Seen {
            installed: false,
            running: false,
            words: String::from("NotInstalled"),
        }),
        Err(fault) => Err(told(fault)),
    }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).map_err(told)
}

fn code(fault: &windows_service::Error) -> Option<i32> {
    match fault {
        windows_service::Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

fn told(fault: windows_service::Error) -> anyhow::Error {
    match code(&fault) {
        Some(DENIED) => anyhow::anyhow!(
            "管理者の権限が要ります。何も変えていません。「管理者として実行」したコマンド プロンプトで、もう一度実行してください"
        ),
        _ => anyhow::Error::new(fault).context("Windows のサービス管理と話せません"),
    }
}

fn stop(service: &Service) -> Result<()> {
    if service.query_status()?.current_state == ServiceState::Stopped {
        return Ok(());
    }
    service.stop().context("サービスを止められません")?;
    let pauses = STOP_PATIENCE.as_millis() / 200;
    for _ in 0..pauses {
        if service.query_status()?.current_state == ServiceState::Stopped {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("サービスが止まりません。何も変えていません。時間をおいて、もう一度実行してください")
}

fn program_dir(how: &How) -> Result<PathBuf> {
    if let Some(dir) = &how.program_dir {
        return Ok(std::path::absolute(dir)?);
    }
    let programs =
        std::env::var_os("ProgramFiles").context("ProgramFiles が分かりません。--program-dir で指定してください")?;
    Ok(PathBuf::from(programs).join("Tomoshibi"))
}

/// Below `Program Files`, where only administrators write.
fn put_program(from: &Path, to: &Path) -> Result<()> {
    if from == to {
        return Ok(());
    }
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).with_context(|| format!("{} を作れません", dir.display()))?;
    }
    // A program that somebody still has open cannot be written over, but it can be moved out of the way.
    let (new, old) = (to.with_extension("new"), to.with_extension("old"));
    let place = || -> std::io::Result<()> {
        fs::copy(from, &new)?;
        if to.exists() {
            let _ = fs::remove_file(&old);
            fs::rename(to, &old)?;
        }
        fs::rename(&new, to)
    };
    place().with_context(|| {
        format!(
            "{} に置けません。前のプログラムは {} にあります",
            to.display(),
            old.display()
        )
    })
}

/// The configuration of the service that runs in this process; the service manager calls a function without any of its own.
static CONFIG: OnceLock<PathBuf> = OnceLock::new();
/// How it ended.
static ENDED: Mutex<Option<Result<ExitCode>>> = Mutex::new(None);

define_windows_service!(begin, serve);

/// Hands this process to the service manager; at a command line it is an ordinary program that Ctrl+C stops.
pub fn run(config: &Path) -> Result<ExitCode> {
    let _ = CONFIG.set(config.to_path_buf());
    match service_dispatcher::start(NAME, begin) {
        Ok(()) => ENDED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or(Ok(ExitCode::SUCCESS)),
        Err(fault) if code(&fault) == Some(NOT_A_SERVICE) => supervising::run(config, supervising::told_to_stop()?),
        Err(fault) => Err(told(fault)),
    }
}

fn serve(_arguments: Vec<OsString>) {
    let (stop, stopped) = channel();
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown | ServiceControl::Preshutdown => {
            let _ = stop.send(());
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let Ok(handle) = service_control_handler::register(NAME, handler) else {
        return;
    };
    let tell = |state: ServiceState, code: u32| {
        let running = state == ServiceState::Running;
        let _ = handle.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: if running {
                ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
            } else {
                ServiceControlAccept::empty()
            },
            exit_code: ServiceExitCode::Win32(code),
            checkpoint: 0,
            wait_hint: if state == ServiceState::StopPending {
                STOP_PATIENCE
            } else {
                Duration::ZERO
            },
            process_id: None,
        });
    };
    tell(ServiceState::Running, 0);
    let ended = supervised(stopped, &|| tell(ServiceState::StopPending, 0));
    // A code other than 0 makes the service manager start it again.
    let code = u32::from(ended.is_err());
    *ENDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    tell(ServiceState::Stopped, code);
}

fn supervised(stopped: Receiver<()>, stopping: &dyn Fn()) -> Result<ExitCode> {
    let config = CONFIG.get().context("設定ファイルが分かりません")?;
    let (relay, relayed) = channel();
    std::thread::scope(|scope| {
        let supervisor = scope.spawn(|| supervising::run(config, relayed));
        // While the supervisor works, a stop is told to the manager before it is carried out.
        loop {
            match stopped.recv_timeout(Duration::from_millis(200)) {
                Ok(()) => {
                    stopping();
                    let _ = relay.send(());
                    break;
                }
                Err(_) if supervisor.is_finished() => break,
                Err(_) => {}
            }
        }
        supervisor
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("見張りが止まりました")))
    })
}
