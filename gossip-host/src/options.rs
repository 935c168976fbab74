//! What a node is started with.

use crate::{
    StartError,
    seeds::{MAX_SEEDS, Seed},
};
#[cfg(feature = "seal")]
use gossip_core::Sealing;
use gossip_core::{Config, ConfigError, Locality, NodeId};
#[cfg(feature = "seal")]
use std::sync::Arc;
use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

/// The most members and notices that there can be room for: 2^20, the most members that the core holds.
const MAX_CAPACITY: usize = 1 << 20;

/// What a node is started with: begin with [`Options::new`] and change what must differ.
///
/// ```
/// use gossip_core::{ClusterName, Config};
/// use gossip_host::Options;
///
/// let mut options = Options::new("db-1", Config::lan(ClusterName::named("prod")?));
/// options.bind = ([10, 0, 0, 1], 7946).into();
/// options.seeds = vec!["seeds.example.com:7946".parse()?, "10.0.0.2:7946".parse()?];
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The node's name, the same after every restart. The node's id follows from it, unless `credentials` trust ids that follow
    /// from keys. It must keep to the [rule for names](gossip_core::NameError).
    pub name: String,
    /// The protocol's knobs.
    pub config: Config,
    /// The UDP address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Where others reach this node, if that is not the address it is bound to; port 0 stands for the bound
    /// port. Needed when `bind` is an unspecified address such as 0.0.0.0. Of the family of `bind`, as are the addresses
    /// among the seeds; a node that is bound to `[::]` has both.
    pub advertise: Option<SocketAddr>,
    /// Members to join through, as addresses or DNS names; at most 64. None: wait to be joined.
    pub seeds: Vec<Seed>,
    /// Whether further seeds are still being looked for, and come by [`Handle::join`](crate::Handle::join). Then a node without
    /// any does not conclude that there is no node to join, and [`Event::Joined`](gossip_core::Event::Joined) comes once it has
    /// joined.
    pub awaits_seeds: bool,
    /// Where the node runs.
    pub locality: Locality,
    /// Members that there is room for, this node included: 2 to 2^20. Memory is reserved for that number at the
    /// start and touched as they come.
    pub capacity: usize,
    /// Where the epoch is kept across restarts. Without it the clock alone tells epochs apart, in whole seconds. A restart
    /// after the clock went backwards needs one more round trip to be believed. Of two starts within one second at one address
    /// the second is taken for the first: others may go on to show what that published, and miss the first events and pulses.
    /// Use a file where a node that crashes may be started again at once.
    pub epoch_file: Option<PathBuf>,
    /// Where the members are kept across restarts: a node that has such a file finds its cluster again without seeds.
    /// Written soon after the first of them is known, when they change, at most every [`view_interval`](Self::view_interval)
    /// after a while, and when the node leaves. What is in it is asked, and not believed blindly; a file that is damaged,
    /// of another cluster, or older than half of `tombstone_ttl` is ignored: see [`Handle::restored`](crate::Handle::restored).
    pub view_file: Option<PathBuf>,
    /// Time between two writes of the view file, at least 1 s.
    pub view_interval: Duration,
    /// Where the cluster's keys come from: a [`KeyFile`](crate::KeyFile), or a ring that is there already. They are read once, when
    /// the node starts; later [`Handle::set_keys`](crate::Handle::set_keys) gives it others. `None`: it speaks and hears in the
    /// clear.
    #[cfg(feature = "seal")]
    pub keys: Option<Arc<dyn crate::Keys>>,
    /// How far the cluster is on its way from clear to sealed. `None` is [`Sealing::Require`] where there are keys, and
    /// [`Sealing::Off`] where there are none, which is then the only choice.
    #[cfg(feature = "seal")]
    pub sealing: Option<Sealing>,
    /// The key that the node signs with, and which keys it trusts. Where signatures are required, no member of a view file is believed, and
    /// those that are in it are asked. With [`Trust::Own`](gossip_core::Trust::Own) the node's id is that of its key. Later
    /// [`Handle::set_identity`](crate::Handle::set_identity) gives it others. `None`: it does not sign.
    #[cfg(feature = "identity")]
    pub credentials: Option<gossip_core::Credentials>,
    /// What the node's random choices, nonces and tokens derive from: who can guess it can forge acks and tokens. Must
    /// differ between nodes and starts. `None`, outside of tests the right choice: drawn from the operating system's
    /// entropy.
    pub rng_seed: Option<[u8; 32]>,
    /// Notices kept for subscribers, and user events, of each; one that falls behind by more is told how many it missed.
    /// 1 to 2^20.
    pub event_capacity: usize,
}

impl Options {
    /// Members that there is room for by default.
    pub const DEFAULT_CAPACITY: usize = 16 * 1_024;
    /// Notices kept by default: every member of a 1,000-node cluster may come and go once.
    pub const DEFAULT_EVENT_CAPACITY: usize = 2_048;

    /// Time between two writes of the view file by default.
    pub const DEFAULT_VIEW_INTERVAL: Duration = Duration::from_secs(60);

    /// A node of that name on a free port of the loopback interface, without seeds.
    pub fn new(name: impl Into<String>, config: Config) -> Self {
        Self {
            name: name.into(),
            config,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertise: None,
            seeds: Vec::new(),
            awaits_seeds: false,
            locality: Locality::default(),
            capacity: Self::DEFAULT_CAPACITY,
            epoch_file: None,
            view_file: None,
            view_interval: Self::DEFAULT_VIEW_INTERVAL,
            #[cfg(feature = "seal")]
            keys: None,
            #[cfg(feature = "seal")]
            sealing: None,
            #[cfg(feature = "identity")]
            credentials: None,
            rng_seed: None,
            event_capacity: Self::DEFAULT_EVENT_CAPACITY,
        }
    }

    /// These options with what `change` sets.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What can be said before a socket is bound.
    ///
    /// # Errors
    /// The first thing that is wrong, and what to do.
    pub fn check(&self) -> Result<(), StartError> {
        self.id()?;
        if self.advertise.is_none() && self.bind.ip().is_unspecified() {
            return Err(StartError::Advertise(self.bind));
        }
        if self.seeds.len() > MAX_SEEDS {
            return Err(StartError::TooManySeeds { given: self.seeds.len() });
        }
        for (field, given, least) in
            [("capacity", self.capacity, 2), ("event_capacity", self.event_capacity, 1)]
        {
            if !(least..=MAX_CAPACITY).contains(&given) {
                let (min, max, given) = (least as f64, MAX_CAPACITY as f64, given as f64);
                return Err(ConfigError::Range { field, min, max, given }.into());
            }
        }
        #[cfg(feature = "seal")]
        if self.keys.is_none() && self.sealing.is_some_and(|sealing| sealing != Sealing::Off) {
            return Err(StartError::NoKeys);
        }
        self.check_families(self.bind)?;
        self.config.validate()?;
        #[cfg(feature = "identity")]
        if let Some(credentials) = &self.credentials {
            // The node's own epoch is not earlier.
            let epoch = crate::epoch::next(None, std::time::SystemTime::now());
            let (key, certificate) = (credentials.key.public(), credentials.certificate.as_ref());
            let vouched = credentials.trust.vouch(self.config.cluster, self.id()?, &key, epoch, certificate);
            vouched.map_err(|distrust| {
                StartError::Credentials(gossip_core::CredentialsError::Distrusted(distrust))
            })?;
        }
        Ok(())
    }

    /// Whether all addresses are of the family of `local`, where a socket is bound or will be.
    pub(crate) fn check_families(&self, local: SocketAddr) -> Result<(), StartError> {
        let advertised = self.advertise.map(|address| ("advertise", address));
        let seeds = self.seeds.iter().filter_map(Seed::address).map(|address| ("seeds", address));
        let foreign = advertised.into_iter().chain(seeds).find(|&(_, address)| !is_of_family(address, local));
        foreign.map_or(Ok(()), |(option, address)| Err(StartError::Family { option, address, bind: local }))
    }

    /// The id that the name stands for, or, where ids follow from keys, the key.
    pub(crate) fn id(&self) -> Result<NodeId, ConfigError> {
        let named = NodeId::from_name(&self.name)?;
        #[cfg(feature = "identity")]
        if let Some(credentials) = &self.credentials
            && credentials.trust == gossip_core::Trust::Own
        {
            return Ok(credentials.key.public().own_id());
        }
        Ok(named)
    }

    /// A socket bound to [`Options::bind`], which never blocks: what every adapter begins with.
    ///
    /// # Errors
    /// [`Options::check`] refuses the options, or the address is taken.
    pub fn listen(&self) -> Result<UdpSocket, StartError> {
        self.check()?;
        let listen = || {
            let socket = UdpSocket::bind(self.bind)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        listen().map_err(|error| StartError::bind(self.bind, error))
    }

    /// Where others reach a node that is bound to `local`.
    pub(crate) fn advertised(&self, local: SocketAddr) -> SocketAddr {
        self.advertise.map_or(local, |address| with_port(address, local))
    }

    pub(crate) fn randomness(&self) -> [u8; 32] {
        self.rng_seed.unwrap_or_else(|| {
            let mut seed = [0; 32];
            for word in seed.as_chunks_mut::<8>().0 {
                // Every `RandomState` has its own keys, derived from the system's randomness.
                *word = RandomState::new().hash_one(()).to_ne_bytes();
            }
            seed
        })
    }
}

/// Whether a socket bound to `local` can talk to `address`. On every interface of IPv6 it can to IPv4 addresses, too.
fn is_of_family(address: SocketAddr, local: SocketAddr) -> bool {
    let is_v4 = |address: SocketAddr| address.ip().to_canonical().is_ipv4();
    local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) || is_v4(address) == is_v4(local)
}

/// An address to advertise by a node that is bound to `local`: port 0 stands for the bound port.
pub(crate) fn with_port(address: SocketAddr, local: SocketAddr) -> SocketAddr {
    let port = if address.port() == 0 { local.port() } else { address.port() };
    SocketAddr::new(address.ip(), port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip_core::ClusterName;

    #[test]
    fn room_for_too_few_or_too_many_is_refused_with_its_range() {
        let refused = |change: fn(&mut Options)| {
            let options = Options::new("node", Config::lan(ClusterName::named("room").unwrap()));
            options.with(change).check().map_err(|error| error.to_string())
        };
        for (change, said) in [
            (
                (|o| o.capacity = 1) as fn(&mut Options),
                "capacity is 1: set it to 2 at least and 1048576 at most",
            ),
            (|o| o.capacity = (1 << 20) + 1, "capacity is 1048577"),
            (|o| o.event_capacity = 0, "event_capacity is 0: set it to 1 at least"),
        ] {
            let error = refused(change).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
        assert_eq!(refused(|o| (o.capacity, o.event_capacity) = (2, 1 << 20)), Ok(()));
    }

    #[test]
    fn an_address_of_another_family_than_the_sockets_is_refused() {
        let (v4, v6) = ("10.0.0.1:7946", "[2001:db8::1]:7946");
        let (any_v4, any_v6, mapped) = ("0.0.0.0:7946", "[::]:7946", "[::ffff:10.0.0.1]:7946");
        for (local, address, fits) in [
            (v4, v4, true),
            (v4, mapped, true),
            (v4, v6, false),
            (any_v4, v4, true),
            (any_v4, v6, false),
            (v6, v6, true),
            (v6, v4, false),
            (v6, mapped, false),
            (any_v6, v4, true),
            (any_v6, v6, true),
        ] {
            let options = || Options::new("node", Config::lan(ClusterName::named("families").unwrap()));
            let (bind, address): (SocketAddr, SocketAddr) =
                (local.parse().unwrap(), address.parse().unwrap());
            let seeded = Options { seeds: vec!["name:1".parse().unwrap(), address.into()], ..options() };
            let advertised = Options { advertise: Some(address), ..options() };
            for (options, field) in [(seeded, "seeds"), (advertised, "advertise")] {
                match options.check_families(bind) {
                    Ok(()) => assert!(fits, "{local} and {address} in {field}"),
                    Err(StartError::Family { option, address: named, bind: at }) => {
                        assert!(
                            !fits && (option, named, at) == (field, address, bind),
                            "{local}: {named} in {option}"
                        );
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}
