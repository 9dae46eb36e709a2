//! Fuzzes `jahis_rx`; what it calls and why is in `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::jahis_rx(data);
});
