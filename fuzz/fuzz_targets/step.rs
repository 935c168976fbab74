//! See `fuzz::step`.

#![no_main]

use fuzz::step::{Program, run};

libfuzzer_sys::fuzz_target!(|program: Program<'_>| run(&program));
