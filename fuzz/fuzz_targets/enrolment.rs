//! Fuzzes `enrolment`; what it calls and why is in `src/lib.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::enrolment(data);
});
