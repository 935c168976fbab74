//! Three nodes on one thread and a plain `LocalExecutor`: they find each other, one fails without a word, and
//! one leaves.
//!
//! `cargo run -p adapter-smol --example local`

use adapter_smol::{ClusterName, Config, Handle, MemberView, Options, Status, bind};
use smol::{LocalExecutor, Task};
use std::{error::Error, time::Duration};

fn main() -> Result<(), Box<dyn Error>> {
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(tell(&executor)))
}

async fn tell(executor: &LocalExecutor<'_>) -> Result<(), Box<dyn Error>> {
    let config = Config::local(ClusterName::named("local")?);
    let mut nodes: Vec<(Handle, Task<_>)> = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let mut options = Options::new(name, config);
        options.seeds = nodes.iter().map(|(node, _)| node.local_addr().into()).collect();
        let (node, driver) = bind(options)?;
        nodes.push((node, executor.spawn(driver.run())));
    }
    for (node, _) in &nodes {
        let members = node.watch().until(|members| members.len() == 2).await.ok_or("the node stopped")?;
        println!("{} knows {} others", node.id(), members.len());
    }

    let [(ada, _ada_runs), (bob, bob_runs), (cyd, _cyd_runs)] =
        <[_; 3]>::try_from(nodes).map_err(|_| "three nodes")?;
    drop(bob_runs);
    let dead = |member: &MemberView| member.id == bob.id() && member.status() == Status::Dead;
    ada.watch().until(|members| members.iter().any(dead)).await.ok_or("ada stopped")?;
    println!("bob's driver was dropped, and ada knows that he is dead");

    let outcome = cyd.leave(Duration::from_secs(5)).await;
    match outcome {
        Ok(left) => println!("cyd {left}"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
