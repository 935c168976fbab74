//! What every adapter promises, over real loopback sockets: nodes form a cluster, notice each other's
//! changes, crashes and leaves, survive restarts, and never leave a handle hanging.
//!
//! Nothing here knows a runtime. An adapter's test implements [`Adapter`] and expands `behaviours!`.

mod cluster;
mod lifecycle;
mod wait;

use gossip_core::{
    Cluster, Config,
    host::{Handle, Options, StartError},
};

pub(crate) use cluster::*;
pub(crate) use lifecycle::*;
pub(crate) use wait::{block_on, eventually};

/// Runs nodes.
pub(crate) trait Adapter {
    /// Runs a node in the background until it has left, or is dropped.
    fn run(options: Options) -> Result<Running, StartError>;
}

/// A node at work. Dropping it stops the node as a crash would; its socket is closed then.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    crash: Option<Box<dyn FnOnce()>>,
}

impl Running {
    /// `crash` drops the driver and returns when the socket is closed.
    pub(crate) fn new(handle: Handle, crash: impl FnOnce() + 'static) -> Self {
        Self { handle, crash: Some(Box::new(crash)) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(crash) = self.crash.take() {
            crash();
        }
    }
}

/// Options of a node named `name` in the cluster of the test named `test`.
pub(crate) fn options(test: &str, name: &str) -> Options {
    let config = Config::local(Cluster::named(test).unwrap());
    Options { capacity: 64, ..Options::new(name, config) }
}

/// One `#[test]` for each behaviour.
macro_rules! behaviours {
    ($adapter:ty: $($behaviour:ident,)*) => {
        $(#[test]
        fn $behaviour() {
            suite::$behaviour::<$adapter>();
        })*
    };
    ($adapter:ty) => {
        behaviours! { $adapter:
            nodes_that_share_a_seed_form_one_cluster,
            a_change_of_health_reaches_everybody,
            a_crash_is_noticed_by_everybody,
            a_restart_on_another_port_is_a_member_again,
            a_leave_is_known_to_everybody_as_a_leave,
            a_node_joins_through_a_name,
            a_name_that_does_not_resolve_is_reported_and_harms_nothing,
            a_node_joins_when_it_is_told_to,
            a_node_on_every_interface_meets_one_of_ipv4,
            seeds_that_nobody_listens_at_harm_nothing,
            a_slow_subscriber_is_told_what_it_missed_and_goes_on,
            a_node_outlives_its_handles,
            nothing_hangs_when_the_driver_is_dropped,
            a_leave_that_nobody_hears_of_ends_with_its_time,
            epochs_rise_across_restarts,
            an_epoch_that_the_cluster_teaches_is_persisted,
            an_unusable_epoch_file_is_refused_and_left_alone,
            an_address_in_use_is_said_to_be,
            any_interface_needs_an_advertised_address,
            a_configuration_is_checked_before_it_is_taken_over,
        }
    };
}
