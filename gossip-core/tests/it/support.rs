//! What most tests start from.

pub(crate) use testkit::*;

#[cfg(feature = "alloc")]
mod heap {
    use gossip_core::{Config, Heap};
    use testkit::{Network, Watch, form};

    /// Room for as many members as any small network here has.
    pub(crate) fn network<W: Watch<Heap>>(seed: u64, config: Config, watch: W) -> Network<Heap, W> {
        Network::new(seed, config, || Heap::for_members(64), watch)
    }

    /// A cluster of `n` that has just formed, over links without faults.
    pub(crate) fn formed<W: Watch<Heap>>(seed: u64, n: usize, config: Config, watch: W) -> Network<Heap, W> {
        let mut network = network(seed, config, watch);
        form(&mut network, seed, n);
        network
    }
}
#[cfg(feature = "alloc")]
pub(crate) use heap::{formed, network};
