//! The adapters' common behaviour, on smol, and what is smol's own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use adapter_smol::{ClusterName, Config, Left, Options, StartError, bind, with_socket};
use adapter_suite::{Adapter, Running, behaviours};
use smol::{Executor, LocalExecutor};
use std::{net::UdpSocket, time::Duration};

struct Smol;

impl Adapter for Smol {
    fn run(options: Options, socket: Option<UdpSocket>) -> Result<Running, StartError> {
        let (handle, driver) = match socket {
            Some(socket) => with_socket(options, socket),
            None => bind(options),
        }?;
        Ok(Running::new(handle, move |control| smol::block_on(control.over(driver.run()))))
    }
}

behaviours!(Smol);

fn options(name: &str) -> Options {
    Options::new(name, Config::lan(ClusterName::named("smol").unwrap()))
}

#[test]
fn a_driver_runs_on_any_executor_and_tells_how_it_stopped() {
    let (handle, driver) = bind(options("local")).unwrap();
    let local = LocalExecutor::new();
    let task = local.spawn(driver.run());
    drop(handle.leave(Duration::from_secs(30)));
    assert_eq!(smol::block_on(local.run(task)), Ok(Left { acknowledged: 0 }));

    let (handle, driver) = bind(options("threads")).unwrap();
    let threads = Executor::new();
    let task = threads.spawn(driver.run());
    drop(handle.leave(Duration::from_secs(30)));
    assert_eq!(smol::block_on(threads.run(task)), Ok(Left { acknowledged: 0 }));
}

#[test]
fn a_cancelled_task_ends_what_waits_for_it() {
    let (handle, driver) = bind(options("cancelled")).unwrap();
    let executor = LocalExecutor::new();
    let task = executor.spawn(driver.run());
    let mut events = handle.events();
    smol::block_on(executor.run(async {
        task.cancel().await;
        assert!(events.next().await.is_none());
    }));
}
