//! See `fuzz::step`: the same with a key.

#![no_main]

use fuzz::step::{Program, run_sealed};

libfuzzer_sys::fuzz_target!(|program: Program<'_>| run_sealed(&program));
