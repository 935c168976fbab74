//! Three nodes in one process find each other, see one of them fall ill, and leave.
//!
//! `cargo run -p adapter-tokio --example hello`

use adapter_tokio::{ClusterName, Config, Handle, Health, MemberView, Options, bind};
use std::{error::Error, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::local(ClusterName::named("hello")?);
    let mut nodes: Vec<(&str, Handle)> = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let mut options = Options::new(name, config);
        options.seeds = nodes.iter().map(|(_, node)| node.local_addr().into()).collect();
        let (handle, driver) = bind(options).await?;
        driver.spawn();
        nodes.push((name, handle));
    }

    for (name, node) in &nodes {
        let members = node.watch().until(|members| members.len() == 2).await.ok_or("the node stopped")?;
        println!("{name} ({}) knows", node.id());
        for member in members {
            println!(
                "    {} at {}: {:?}, {:?}",
                member.id,
                member.address(),
                member.status(),
                member.health()
            );
        }
    }

    if let [(_, ada), (_, bob), (_, cyd)] = nodes.as_slice() {
        bob.set_health(Health::Unhealthy);
        let ill = |member: &MemberView| member.id == bob.id() && !member.routable;
        ada.watch().until(|members| members.iter().any(ill)).await.ok_or("ada stopped")?;
        println!("ada no longer routes to bob");

        let outcome = cyd.leave(Duration::from_secs(5)).await;
        match outcome {
            Ok(left) => println!("cyd {left}"),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
