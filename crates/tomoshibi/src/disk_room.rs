//! How much room is left on the disk of this station's data, asked of `df` every minute, on Windows of the system itself.
//!
//! Where nobody answers the disk counts as not checked, and S70 says so.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chart::Moment;
use downtime::stations::{Disk, Station};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(60);

/// Looks until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, data: &Path) -> std::io::Result<()> {
    let (station, data) = (Arc::downgrade(station), data.to_path_buf());
    let thread = std::thread::Builder::new().name("disk-room".into());
    thread.spawn(move || watch(&station, &data))?;
    Ok(())
}

fn watch(station: &Weak<Station>, data: &Path) {
    loop {
        let Some(now) = station.upgrade().map(|station| station.now()) else {
            return;
        };
        let room = look(data, now);
        let Some(station) = station.upgrade() else { return };
        station.observe_disk(room);
        drop(station);
        std::thread::sleep(EVERY);
    }
}

/// Room on the disk of a directory, now; `None` where nobody can say.
#[cfg(windows)]
#[must_use]
pub fn look(data: &Path, at: Moment) -> Option<Disk> {
    Some(Disk {
        free: fs4::available_space(data).ok()?,
        all: fs4::total_space(data).ok()?,
        at,
    })
}

/// Room on the disk of a directory, now; `None` where nobody can say.
#[cfg(not(windows))]
#[must_use]
pub fn look(data: &Path, at: Moment) -> Option<Disk> {
    let said = std::process::Command::new("df").arg("-Pk").arg(data).output();
    said.ok()
        .filter(|done| done.status.success())
        .and_then(|done| read(&String::from_utf8_lossy(&done.stdout), at))
}

/// The POSIX form of `df`: a head, then device, 1024-blocks in all, used, available, …
#[cfg(any(test, not(windows)))]
fn read(text: &str, at: Moment) -> Option<Disk> {
    let line = text.lines().nth(1)?;
    // A device's name may hold blanks; the numbers are counted from the percent sign.
    let fields: Vec<&str> = line.split_whitespace().collect();
    let percent = fields.iter().position(|field| field.ends_with('%'))?;
    let number = |back: usize| fields.get(percent.checked_sub(back)?)?.parse::<u64>().ok();
    Some(Disk {
        free: number(1)?.saturating_mul(1024),
        all: number(3)?.saturating_mul(1024),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read_whatever_the_device_is_called() {
        let text = |device: &str| {
            format!("Filesystem 1024-blocks Used Available Capacity Mounted on\n{device} 1000 250 750 25% /data\n")
        };
        let room = Disk {
            free: 750 * 1024,
            all: 1000 * 1024,
            at: Moment(7),
        };
        assert_eq!(read(&text("/dev/sda1"), Moment(7)), Some(room));
        assert_eq!(read(&text("//server/a share"), Moment(7)), Some(room));
        for bad in ["", "head only\n", "head\n/dev/sda1 - - - - /\n", "head\n25% /\n"] {
            assert_eq!(read(bad, Moment(7)), None, "{bad:?}");
        }
    }
}
