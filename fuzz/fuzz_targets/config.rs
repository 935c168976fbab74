//! See `fuzz::config`.

#![no_main]

use fuzz::config::{Program, run};

libfuzzer_sys::fuzz_target!(|program: Program| run(&program));
