//! How much room is left on the disk of this station's data, asked of `df` (on Windows `fsutil`) every minute.
//!
//! Where neither answers the disk counts as not checked, and S70 says so.

use std::path::Path;
use std::process::Command;
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
#[must_use]
pub fn look(data: &Path, now: Moment) -> Option<Disk> {
    let mut ask = if cfg!(windows) {
        let mut fsutil = Command::new("fsutil");
        fsutil.args(["volume", "diskfree"]);
        fsutil
    } else {
        let mut df = Command::new("df");
        df.arg("-Pk");
        df
    };
    let said = ask.arg(data).output().ok().filter(|said| said.status.success())?;
    let text = String::from_utf8_lossy(&said.stdout);
    if cfg!(windows) {
        read_fsutil(&text, now)
    } else {
        read(&text, now)
    }
}

/// `fsutil volume diskfree`: free bytes, bytes in all, each behind a colon, in whatever language the words are.
fn read_fsutil(text: &str, at: Moment) -> Option<Disk> {
    let number = |line: &str| {
        let (_, value) = line.rsplit_once([':', '：'])?;
        let value = value.split(['(', '（']).next()?;
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let mut numbers = text.lines().filter_map(number);
    let (free, all) = (numbers.next()?, numbers.next()?);
    (free <= all).then_some(Disk { free, all, at })
}

/// The POSIX form of `df`: a head, then device, 1024-blocks in all, used, available, …
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
        let fsutil = "Total free bytes        :  53,687,091,200 ( 50.0 GB)\nTotal bytes             : 107,374,182,400 (100.0 GB)\nTotal quota free bytes  :  53,687,091,200 ( 50.0 GB)\n";
        let japanese =
            "合計空きバイト数        : 53687091200 ( 50.0 GB)\n合計バイト数            : 107374182400 (100.0 GB)\n";
        let room = Disk {
            free: 50 << 30,
            all: 100 << 30,
            at: Moment(7),
        };
        assert_eq!(
            (read_fsutil(fsutil, Moment(7)), read_fsutil(japanese, Moment(7))),
            (Some(room), Some(room))
        );
        assert_eq!(read_fsutil("Error 5: access denied", Moment(7)), None);
        for bad in ["", "head only\n", "head\n/dev/sda1 - - - - /\n", "head\n25% /\n"] {
            assert_eq!(read(bad, Moment(7)), None, "{bad:?}");
        }
    }
}
