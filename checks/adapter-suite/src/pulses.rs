//! What members say of themselves every now and then.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, cluster::formed, eventually, options};
use gossip_host::Key;

const LOAD: Key<u32> = Key::new("load");

pub fn the_load_of_each_node_is_known_to_all<A: Adapter>() {
    let nodes = formed::<A>("pulses");
    let config = options("pulses", "node").config.with(|c| c.budgets.pulses = 100_000);
    nodes.iter().for_each(|node| node.handle.reconfigure(config).unwrap());
    let mut load = 0;
    eventually("each node knows a late load of each", || {
        load += 1;
        // The configuration is taken over by the driver in its next turn.
        nodes.iter().for_each(|node| _ = node.handle.pulse(&LOAD, &load));
        let knows = |node: &Running, of: &Running| {
            let known = node.handle.pulse_of(of.handle.id(), &LOAD).unwrap();
            known.is_some_and(|pulse| pulse.value > 2)
        };
        nodes.iter().all(|node| nodes.iter().all(|of| knows(node, of))).then_some(())
    });
}
