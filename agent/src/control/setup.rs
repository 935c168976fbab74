//! From the arguments to an interface that serves.

use super::{
    Agent, Orders,
    access::Access,
    api::AnswersAt,
    feed::Feed,
    reach::Turn,
    server::{self, Places, Serving},
    socket::{self, Bound},
    token::{self, Token},
    unread::SlowReaders,
};
use crate::{cli::ControlArgs, locality::Place, output::Output, wrong::Wrong};
use adapter_tokio::{Handle, NodeId};
use anyhow::{Context as _, Result};
use std::net::{SocketAddr, TcpListener};
use tokio::sync::{mpsc, watch};

/// The control interface before there is anything to control.
pub(crate) struct Control {
    places: Places,
    answers_at: AnswersAt,
    warnings: Vec<String>,
}

impl Control {
    /// Takes the socket and the port, before anything is sent to other nodes.
    ///
    /// # Errors
    /// One of them was named, and cannot be had; or it would be open to others, which is [`Wrong`].
    pub(crate) fn of(args: &ControlArgs, name: &str) -> Result<Self> {
        let warnings = args.check()?;
        let mut control = Self { places: Places::default(), answers_at: AnswersAt::default(), warnings };
        control.take_socket(args, name)?;
        if let Some(address) = args.http {
            control.take_port(address, args)?;
        }
        Ok(control)
    }

    fn take_socket(&mut self, args: &ControlArgs, name: &str) -> Result<()> {
        let bound = match (&args.control, args.no_control) {
            (_, true) => return Ok(()),
            (Some(path), false) => Bound::at(path)?,
            (None, false) => match Bound::at(&socket::default_path(name, NodeId::from_name(name)?)) {
                Ok(bound) => bound,
                Err(error) => {
                    self.warnings.push(format!(
                        "this agent cannot be asked anything at a socket: {error:#} (give --control PATH, or --no-control if it \
                         need not be)"
                    ));
                    return Ok(());
                }
            },
        };
        self.answers_at.control = Some(bound.path().display().to_string());
        self.places.socket = Some(bound);
        Ok(())
    }

    fn take_port(&mut self, address: SocketAddr, args: &ControlArgs) -> Result<()> {
        let token = args.token_file.as_deref().map(Token::read).transpose()?;
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| format!("cannot listen at {address} (--http)"))?;
        self.answers_at.http = Some(listener.local_addr()?);
        self.places.tcp = Some((listener, Access::at(address.ip(), token)));
        Ok(())
    }

    /// Serves it until what is returned second is dropped; what the agent is told to do comes out of the third.
    ///
    /// # Errors
    /// There are no threads or no file descriptors left.
    pub(crate) fn start(
        self,
        handle: &Handle,
        (name, cluster, place): (&str, &str, &Place),
        output: &Output,
    ) -> Result<(AnswersAt, Option<Serving>, mpsc::Receiver<Orders>)> {
        let (orders, told) = mpsc::channel(1);
        self.warnings.iter().for_each(|warning| output.warn(warning));
        if self.answers_at == AnswersAt::default() {
            return Ok((self.answers_at, None, told));
        }
        let (ending, seen) = watch::channel(());
        let agent = Agent {
            handle: handle.clone(),
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            orders,
            lines: output.watched(),
            feed: Feed::new(handle.clone(), name.to_owned(), cluster.to_owned(), place.clone()),
            place: place.clone(),
            turn: Turn::default(),
            ending: seen,
            answers_at: self.answers_at.clone(),
            slow_readers: SlowReaders::default(),
        };
        let serving = server::start(self.places, agent, ending)?;
        Ok((self.answers_at, Some(serving), told))
    }
}

impl ControlArgs {
    /// What can be found to be wrong before anything is taken. What is no hindrance is returned as warnings.
    ///
    /// # Errors
    /// The interface would be open to others, or its token cannot be read.
    pub(crate) fn check(&self) -> Result<Vec<String>, Wrong> {
        if let Some(path) = self.control.as_deref().filter(|path| path.starts_with("http:")) {
            let path = path.display();
            return Err(Wrong(format!("{path} (--control) is no path: give an address with --http")));
        }
        match (self.http, self.token_file.as_deref()) {
            (Some(address), None) if !address.ip().is_loopback() => Err(Wrong(format!(
                "others can reach {address} (--http): give a token that they must show with --token-file, or an address of this \
                 machine alone, as 127.0.0.1:{}",
                address.port()
            ))),
            (Some(_), Some(path)) => {
                let _ = Token::read(path)?;
                let warning = format!(
                    "every user of this machine can read {} (--token-file): `chmod o= {0}` keeps it from them",
                    path.display()
                );
                Ok(Vec::from_iter(token::others_can_read(path).then_some(warning)))
            }
            // Commands find it in the same variable, so that it may be set for them alone.
            (None, Some(path)) => Ok(vec![format!(
                "{} (--token-file) is of no use without --http: this agent listens at no TCP port",
                path.display()
            )]),
            (_, None) => Ok(Vec::new()),
        }
    }
}
