//! Randomness enters the house here and nowhere else: the operating system's generator.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

/// The operating system's generator. It stops the process if the system cannot give randomness: no key without it.
pub type Random = UnwrapErr<SysRng>;

/// A handle to the operating system's generator.
#[must_use]
pub const fn system() -> Random {
    UnwrapErr(SysRng)
}
