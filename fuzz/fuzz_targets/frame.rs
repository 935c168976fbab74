//! Any bytes: what decodes encodes to itself, as given and behind a good header.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = gossip_core::fuzzing::is_datagram(bytes);
    let framed = [&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], bytes].concat();
    let _ = gossip_core::fuzzing::is_datagram(&framed);
});
