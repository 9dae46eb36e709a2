//! "The EHR" of the demo: a port that accepts connections while it runs, and nothing when it is stopped.

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A port that is open or closed.
pub struct Ehr {
    address: String,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Ehr {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        Ok(Self {
            address,
            running: Mutex::new(Some(accept(listener))),
        })
    }

    /// `127.0.0.1:port`
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Whether it answers.
    pub fn is_running(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Stops or starts it.
    ///
    /// # Errors
    /// When the port has been taken by somebody else meanwhile.
    pub async fn set(&self, run: bool) -> Result<()> {
        if run && !self.is_running() {
            let listener = TcpListener::bind(&self.address).await?;
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(accept(listener));
        } else if !run && let Some(task) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
        Ok(())
    }
}

fn accept(listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move { while listener.accept().await.is_ok() {} })
}
