//! Why the library refuses options.

use crate::wrong::Wrong;
use adapter_tokio::{ConfigError, StartError};
use anyhow::Error;

/// What the library says of its options, in terms of the program's. What starting again would not change is [`Wrong`].
pub(crate) fn in_options(error: Error) -> Error {
    match error.downcast_ref::<StartError>() {
        Some(StartError::Advertise(bind)) => Wrong(format!(
            "{bind} (--bind) means every interface, which others cannot reach: give one of this machine's addresses with \
             --advertise IP:PORT"
        ))
        .into(),
        Some(StartError::Family { option, address, bind }) => {
            let flag = if *option == "seeds" { "--join" } else { "--advertise" };
            Wrong(format!(
                "{address} ({flag}) is of another family than {bind} (--bind), which cannot reach it: give addresses of \
                 one family, or --bind [::]:PORT, which has both"
            ))
            .into()
        }
        Some(StartError::Config(ConfigError::Address)) => Wrong(
            "others cannot reach the address that this node would have: give --advertise, or else --bind, a unicast \
             address with a port"
                .to_owned(),
        )
        .into(),
        Some(StartError::NoKeys) => Wrong(
            "--sealing needs keys: give their file with --keys, or leave it out to run in the clear".to_owned(),
        )
        .into(),
        Some(StartError::Credentials(error)) => {
            Wrong(format!("--identity and --trust do not fit this node: {error}")).into()
        }
        Some(StartError::Config(_) | StartError::Name(_) | StartError::Keys(_)) => Wrong(format!("{error:#}")).into(),
        _ => error,
    }
}
