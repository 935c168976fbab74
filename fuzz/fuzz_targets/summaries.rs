//! See `fuzz::summaries`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::summaries::run(bytes));
