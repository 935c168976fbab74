//! From the arguments to an interface that serves.

use super::{
    Agent, Orders,
    server::{self, Serving},
    socket::{self, Bound},
};
use crate::{cli::RunArgs, print::Output};
use adapter_tokio::{Handle, NodeId};
use anyhow::Result;
use tokio::sync::mpsc;

/// The control interface before there is anything to control.
pub(crate) struct Control {
    socket: Option<Bound>,
    /// Why there is none, where it was not asked for by its path.
    why_none: Option<String>,
}

impl Control {
    /// Takes the socket, before anything is sent to other nodes.
    ///
    /// # Errors
    /// It was named, and cannot be had.
    pub(crate) fn of(args: &RunArgs) -> Result<Self> {
        if args.no_control {
            return Ok(Self { socket: None, why_none: None });
        }
        if let Some(path) = &args.control {
            return Ok(Self { socket: Some(Bound::at(path)?), why_none: None });
        }
        let path = socket::default_path(&args.name, NodeId::from_name(&args.name)?);
        Ok(match Bound::at(&path) {
            Ok(socket) => Self { socket: Some(socket), why_none: None },
            Err(error) => Self { socket: None, why_none: Some(format!("{error:#}")) },
        })
    }

    /// Serves it until what is returned first is dropped; what the agent is told to do comes out of the other.
    pub(crate) fn start(
        self,
        handle: &Handle,
        (name, cluster): (&str, &str),
        output: &Output,
    ) -> Result<(Option<Serving>, mpsc::Receiver<Orders>)> {
        let (orders, told) = mpsc::channel(1);
        if let Some(why) = self.why_none {
            output.warn(format_args!(
                "this agent cannot be asked anything: {why} (give --control PATH, or --no-control if it need not be)"
            ));
        }
        let Some(socket) = self.socket else { return Ok((None, told)) };
        let (handle, name, cluster) = (handle.clone(), name.to_owned(), cluster.to_owned());
        let agent = Agent { handle, name, cluster, orders, lines: output.watched() };
        Ok((Some(server::start(socket, agent)?), told))
    }
}
