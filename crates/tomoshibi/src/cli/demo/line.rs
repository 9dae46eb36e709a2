//! "The network" of the demo: the station reaches the hub through this forwarder, which can be cut.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A line between station and hub.
pub struct Line {
    address: String,
    hub: String,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Line {
    /// Starts forwarding from a free port to the hub.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(hub: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let running = Mutex::new(Some(forward(listener, hub.clone())));
        Ok(Self { address, hub, running })
    }

    /// Where the station finds the hub.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the line holds.
    pub fn is_up(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Cuts or mends the line. Cutting ends open connections too.
    ///
    /// # Errors
    /// When the port has been taken by somebody else meanwhile.
    pub async fn set(&self, up: bool) -> Result<()> {
        if up && !self.is_up() {
            let listener = TcpListener::bind(&self.address).await?;
            let task = forward(listener, self.hub.clone());
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        } else if !up && let Some(task) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
        Ok(())
    }
}

fn forward(listener: TcpListener, hub: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Dropped with the task: every connection ends when the line is cut.
        let mut connections = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let hub = hub.clone();
            connections.spawn(async move {
                if let Ok(mut far) = TcpStream::connect(hub).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
            while connections.try_join_next().is_some() {}
        }
    })
}
