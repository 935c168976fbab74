//! The program in README.md, word for word: join a cluster, and print who comes and goes.

use adapter_tokio::{ClusterName, Config, Event, Options, bind};
use std::{env, error::Error, process::ExitCode};

async fn run() -> Result<(), Box<dyn Error>> {
    // The address to listen on, then members to join: `cargo run -- 127.0.0.1:7947 127.0.0.1:7946`.
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:7946".into());
    let mut options = Options::new(format!("web-{address}"), Config::lan(ClusterName::named("readme")?));
    options.bind = address.parse().map_err(|_| format!("{address} is no address and port to listen on"))?;
    options.seeds = arguments.map(|seed| seed.parse()).collect::<Result<_, _>>()?;

    let (node, driver) = bind(options).await?;
    println!("{} is at {}", node.id(), node.local_addr());

    // Subscribe before the driver runs, so that no event is missed.
    let mut events = node.events();
    driver.spawn();
    while let Some(next) = events.next().await {
        match next.map(|notice| (notice.event, notice.member)) {
            Ok((Event::Up(id), Some(member))) => println!("{id} is up at {}", member.address()),
            Ok((Event::Down(id), _)) => println!("{id} is dead"),
            Ok((Event::Left(id), _)) => println!("{id} has left"),
            Ok(_) => {}
            // A slow reader learns how many events it missed, and reads the current view instead.
            Err(lagged) => println!("{lagged}; {} members are known now", node.members().len()),
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // Returning the error from `main` would print its `Debug` form. Each source adds what its error leaves out.
        Err(error) => {
            eprint!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
