//! Fuzzes `canaries`; what it calls and why is in `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::canaries(data);
});
