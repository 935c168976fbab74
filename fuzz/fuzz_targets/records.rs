//! The body of a section of records: see `fuzz::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| fuzz::records::run(body));
