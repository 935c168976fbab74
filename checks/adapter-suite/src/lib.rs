//! What every adapter promises, over real loopback sockets: nodes form a cluster, notice each other's
//! changes, crashes and leaves, survive restarts, pauses and full sockets, and never leave a handle hanging.
//!
//! Nothing here knows a runtime. An adapter's test implements [`Adapter`] and expands [`behaviours!`].

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is run by tests, which may panic")]

mod asks;
mod child;
mod cluster;
mod control;
mod forget;
mod kept;
mod lifecycle;
mod pulses;
mod restart;
mod sealing;
mod signing;
mod trouble;
mod user_events;
mod values;
mod wait;

/// What [`behaviours!`] expands to calls of, one function for each promise.
pub mod promises {
    pub use crate::{
        asks::*, cluster::*, forget::*, kept::*, lifecycle::*, pulses::*, restart::*, sealing::*, signing::*,
        trouble::*, user_events::*, values::*,
    };
}

use gossip_core::{ClusterName, Config};
use gossip_host::{Handle, Options, StartError};
use std::{
    net::UdpSocket,
    thread::{self, JoinHandle},
    time::Duration,
};

pub use control::Control;
pub use wait::{block_on, eventually};

/// Runs nodes.
pub trait Adapter {
    /// Runs a node in the background until it has left, or is dropped; on this socket, if there is one.
    ///
    /// # Errors
    /// The adapter's own.
    fn run(options: Options, socket: Option<UdpSocket>) -> Result<Running, StartError>;
}

/// A node at work. Dropping it stops the node as a crash would; its socket is closed then.
#[derive(Debug)]
pub struct Running {
    /// The node, as its host sees it.
    pub handle: Handle,
    control: Control,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Runs a loop on its own thread. It returns when it is told to, by its [`Control`], or when the node
    /// has left; the driver is dropped then.
    pub fn new(handle: Handle, run: impl FnOnce(Control) + Send + 'static) -> Self {
        let control = Control::default();
        let thread = Some(thread::spawn({
            let control = control.clone();
            move || run(control)
        }));
        Self { handle, control, thread }
    }

    /// Holds up the loop's thread once, for so long: to the node its clock jumps.
    pub(crate) fn hold_up(&self, time: Duration) {
        self.control.hold_up(time);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the loop panicked");
        }
    }
}

/// Options of a node named `name` in the cluster of the test named `test`.
pub(crate) fn options(test: &str, name: &str) -> Options {
    let config = Config::local(ClusterName::named(test).unwrap());
    Options::new(name, config).with(|o| o.capacity = 64)
}

pub(crate) fn start<A: Adapter>(options: Options) -> Running {
    A::run(options, None).unwrap()
}

/// One `#[test]` for each promise.
#[macro_export]
macro_rules! behaviours {
    ($adapter:ty: $($behaviour:ident,)*) => {
        $(#[test]
        fn $behaviour() {
            $crate::promises::$behaviour::<$adapter>();
        })*
    };
    ($adapter:ty) => {
        $crate::behaviours! { $adapter:
            nodes_that_share_a_seed_form_one_cluster,
            a_change_of_health_reaches_everybody,
            a_crash_is_noticed_by_everybody,
            a_restart_on_another_port_is_a_member_again,
            a_leave_is_known_to_everybody_as_a_leave,
            a_node_joins_through_a_name,
            a_name_that_does_not_resolve_is_reported_and_harms_nothing,
            a_node_joins_when_it_is_told_to,
            a_node_on_every_interface_meets_one_of_ipv4,
            what_a_node_publishes_all_others_read_until_it_is_withdrawn,
            a_restart_hides_the_keys_of_the_node_before_it,
            a_watch_of_a_key_tells_what_is_there_and_what_changes,
            a_slow_watch_of_a_key_is_told_so_and_sees_the_latest,
            a_member_is_found_by_its_name,
            a_value_of_the_cluster_reaches_all_and_so_does_its_end,
            an_authority_stands_above_members,
            a_watch_of_the_cluster_tells_what_is_there_and_what_changes,
            a_slow_watch_of_the_cluster_is_told_so_and_sees_the_latest,
            of_values_set_apart_one_wins_and_the_conflict_is_told,
            questions_that_are_dropped_make_room_for_others,
            a_node_learns_from_each_member_what_only_that_has,
            a_member_answers_all_names_under_one_and_sees_which_is_asked_for,
            a_question_that_has_no_answer_ends_with_why,
            questions_that_nobody_reads_make_room_for_newer_ones,
            a_question_reaches_whoever_asks_in_a_loop_of_its_own,
            an_event_is_heard_by_all_others_once,
            the_dead_are_forgotten_by_all_when_one_is_told_to,
            who_answers_is_not_forgotten,
            the_load_of_each_node_is_known_to_all,
            a_slow_reader_of_events_loses_the_oldest_and_is_told_how_many,
            a_slow_subscriber_is_told_what_it_missed_and_goes_on,
            a_first_node_has_joined_and_so_have_those_who_join_it,
            a_node_whose_seeds_are_silent_or_unknown_has_not_joined,
            a_node_outlives_its_handles,
            nothing_hangs_when_the_driver_is_dropped,
            a_cancelled_driver_frees_its_address,
            a_leave_that_nobody_hears_of_ends_with_its_time,
            a_leave_that_only_the_dead_could_hear_is_no_success,
            a_leave_of_two_is_acknowledged_by_the_other_and_of_one_by_nobody,
            a_node_at_another_address_than_it_says_is_told_and_can_correct_it,
            epochs_rise_across_restarts,
            an_epoch_that_the_cluster_teaches_is_persisted,
            an_unusable_epoch_file_is_refused_and_left_alone,
            a_node_without_seeds_finds_its_cluster_again_through_its_view_file,
            a_cluster_that_restarts_as_a_whole_finds_itself_through_its_view_files,
            a_node_that_leaves_writes_its_view,
            an_unusable_view_file_is_reported_ignored_and_left_alone,
            an_address_in_use_is_said_to_be,
            any_interface_needs_an_advertised_address,
            a_configuration_is_checked_before_it_is_taken_over,
            seeds_that_nobody_listens_at_harm_nothing,
            errors_that_a_socket_reports_do_not_stop_a_node,
            a_full_socket_costs_no_member_its_place,
            a_clock_set_back_between_lives_is_no_matter,
            a_clock_that_jumps_ahead_kills_nobody,
            nodes_of_one_key_form_a_cluster_that_says_nothing_in_the_clear,
            a_node_without_the_key_does_not_get_in,
            a_clear_cluster_is_sealed_node_by_node_and_nobody_is_lost,
            a_key_is_rotated_while_members_come_and_go,
            a_key_in_use_is_not_removed_unless_that_is_forced,
            nodes_with_certificates_form_a_cluster_and_no_others_get_in,
            a_cluster_is_signed_node_by_node_and_nobody_is_lost,
            a_member_that_is_denied_is_none_until_it_is_allowed,
            a_suspended_process_is_not_dead_and_declares_nobody_dead,
        }
    };
}
