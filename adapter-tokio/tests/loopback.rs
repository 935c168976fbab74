//! The adapters' common behaviour, on tokio, and what is tokio's own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use adapter_suite::{Adapter, Running, behaviours};
use adapter_tokio::{ClusterName, Config, Left, Options, StartError, Status, bind, with_socket};
use std::{net::UdpSocket, time::Duration};
use tokio::{runtime, time};

struct Tokio;

impl Adapter for Tokio {
    fn run(options: Options, socket: Option<UdpSocket>) -> Result<Running, StartError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (handle, driver) = runtime.block_on(async {
            match socket {
                Some(socket) => with_socket(options, socket).await,
                None => bind(options).await,
            }
        })?;
        Ok(Running::new(handle, move |control| runtime.block_on(control.over(driver.run()))))
    }
}

behaviours!(Tokio);

fn options(name: &str) -> Options {
    Options::new(name, Config::lan(ClusterName::named("tokio").unwrap()))
}

#[tokio::test(start_paused = true)]
async fn nodes_live_by_tokios_clock() {
    let (first, driver) = bind(options("first")).await.unwrap();
    driver.spawn();
    let seeds = vec![first.local_addr().into()];
    let (second, driver) = bind(options("second").with(|o| o.seeds = seeds)).await.unwrap();
    driver.spawn();
    time::sleep(Duration::from_secs(600)).await;
    let [member] = &first.members()[..] else { panic!("alone") };
    assert_eq!((member.id, member.status()), (second.id(), Status::Alive));
    assert!(first.metrics().probes > 500, "ten minutes of a probe a second: {}", first.metrics().probes);
}

#[tokio::test]
async fn a_spawned_driver_tells_how_it_stopped() {
    let (handle, driver) = bind(options("alone")).await.unwrap();
    let task = driver.spawn();
    let leave = handle.leave(Duration::from_secs(30));
    assert_eq!(task.await.unwrap(), Ok(Left { acknowledged: 0 }));
    assert_eq!(leave.await, Ok(Left { acknowledged: 0 }));
}

#[tokio::test]
async fn an_aborted_driver_ends_what_waits_for_it() {
    let (handle, driver) = bind(options("aborted")).await.unwrap();
    let task = driver.spawn();
    let mut events = handle.events();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(events.next().await.is_none());
}
