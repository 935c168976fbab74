//! See `fuzz::state`.

#![no_main]

use fuzz::state::{Program, run};

libfuzzer_sys::fuzz_target!(|program: Program| run(&program));
