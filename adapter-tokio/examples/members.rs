//! The program in README.md, word by word: who comes and goes.

use adapter_tokio::{Cluster, Config, Event, Options, bind};
use std::{env, error::Error, process::ExitCode};

async fn run() -> Result<(), Box<dyn Error>> {
    // The address to listen on, and members to join: `cargo run -- 127.0.0.1:7947 127.0.0.1:7946`.
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:7946".into());
    let mut options = Options::new(format!("web-{address}"), Config::lan(Cluster::named("readme")?));
    options.bind = address.parse()?;
    options.seeds = arguments.map(|seed| seed.parse()).collect::<Result<_, _>>()?;

    let (node, driver) = bind(options).await?;
    println!("{} is at {}", node.id(), node.local_addr());

    // Before the driver runs, so that none is missed.
    let mut events = node.events();
    driver.spawn();
    while let Some(next) = events.next().await {
        match next.map(|notice| (notice.event, notice.member)) {
            Ok((Event::Up(id), Some(member))) => println!("{id} is up at {}", member.address()),
            Ok((Event::Down(id), _)) => println!("{id} is dead"),
            Ok((Event::Left(id), _)) => println!("{id} has left"),
            Ok(_) => {}
            // Whoever reads too slowly is told so, and looks at the present state instead.
            Err(lagged) => println!("{lagged}; {} members are known now", node.members().len()),
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // A `main` that returns the error would print it as `Debug` does.
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
