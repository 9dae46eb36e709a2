//! The least an answer over HTTP can cost here: the same bytes from memory, by a bare loop over `poll` in one thread.
//!
//! It deliberately does nothing a server must do (no routes, no session, no clock): it is a floor to measure against,
//! faster than any real file server, and shares no code with the product.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};

use super::load::{end_of_head, readable};
use super::measure;

/// A server in a thread of this process.
pub struct Floor {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(usize, f64)>>>,
}

impl Floor {
    /// Serves this body to every GET, whatever it asks for.
    pub fn start(body: Vec<u8>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("a free port")?;
        let address = listener.local_addr()?;
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend(body);
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("floor".to_owned())
            .spawn(move || serve(&listener, &answer, &told))
            .context("a thread")?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Stops it; gives the number of answers and the CPU seconds they took.
    pub fn finish(mut self) -> Result<(usize, f64)> {
        self.tell_to_stop();
        let Some(thread) = self.thread.take() else {
            bail!("the floor was finished before");
        };
        thread.join().map_err(|_| anyhow::anyhow!("the floor's thread broke"))?
    }

    fn tell_to_stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        // The knock that makes it look; where nobody listens any more, it has stopped already.
        let _ = TcpStream::connect(self.address);
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.tell_to_stop();
            // Whoever wanted its figures has called `finish`.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, answer: &[u8], stop: &AtomicBool) -> Result<(usize, f64)> {
    listener.set_nonblocking(true)?;
    let mut guests = Vec::new();
    let mut answers = 0;
    loop {
        // The door is watched too: a full queue before it would keep those who are in from ever being asked.
        let asking = readable(&guests, Some(listener))?;
        greet(listener, &mut guests)?;
        answers += answer_all(&mut guests, &asking, answer)?;
        if guests.is_empty() && stop.load(Ordering::SeqCst) {
            return Ok((answers, measure::cpu_seconds_of_this_thread()?));
        }
    }
}

fn guest(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Takes in everybody who waits at the door.
fn greet(listener: &TcpListener, guests: &mut Vec<TcpStream>) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => guests.push(guest(stream)?),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("a connection"),
        }
    }
}

/// Answers whoever asks and lets go whoever leaves; gives the number of answers.
fn answer_all(guests: &mut Vec<TcpStream>, asking: &[usize], answer: &[u8]) -> Result<usize> {
    let mut request = [0_u8; 4096];
    let mut answers = 0;
    // From the back, so that letting one go does not move those still to come.
    for at in asking.iter().rev() {
        let Some(stream) = guests.get_mut(*at) else { continue };
        let come = stream.read(&mut request).unwrap_or(0);
        if come == 0 {
            guests.swap_remove(*at);
            continue;
        }
        if end_of_head(request.get(..come).unwrap_or_default()) != Some(come) {
            bail!("a request that did not come in one piece");
        }
        stream.write_all(answer).context("an answer")?;
        answers += 1;
    }
    Ok(answers)
}
