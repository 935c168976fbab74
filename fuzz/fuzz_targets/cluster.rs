//! See `fuzz::cluster`.

#![no_main]

use fuzz::cluster::{Program, run};

libfuzzer_sys::fuzz_target!(|program: Program| run(&program));
