//! What generated wiring implements, and the traits by which the compiler judges it.

use super::AppBuilder;
use crate::handler::{NamedLayer, ServiceDecl};
use crate::inject::{InjectError, Scope, TypeList};
use crate::message::{MessageType, Request};

#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service",
    label = "a service is a struct under `#[service(name = \"..\", version = \"..\")]`"
)]
/// A service that is made from injected values. Implemented by `#[service]` on a struct.
pub trait Service: Send + Sync + Sized + 'static {
    /// What its attribute says.
    const DECL: ServiceDecl;
    /// The events that its fields publish.
    const PUBLISHES: &'static [MessageType] = &[];
    /// The types of its custom layers, outermost first, as they are written.
    const LAYERS: &'static [&'static str] = &[];
    /// The types of its fields and layers.
    type Dependencies: TypeList;

    /// Makes it.
    ///
    /// # Errors
    /// When the value of a field is missing.
    fn build(scope: &Scope) -> Result<Self, InjectError>;

    /// The custom layers around its handlers, outermost first: `layers(..)` of its attribute.
    ///
    /// # Errors
    /// When the value of a layer is missing.
    fn layers(_scope: &Scope) -> Result<Vec<NamedLayer>, InjectError> {
        Ok(Vec::new())
    }
}

/// Everything that `comms-build` found in a crate. Implemented by the generated `Wiring`; a tuple of wirings
/// is the wiring of a process that runs them all.
pub trait Wiring: 'static {
    /// The package that it was generated for; empty for several.
    const PACKAGE: &'static str;
    /// The topology of the crate, the JSON text of the generated `topology.json`; empty for several.
    const TOPOLOGY: &'static str;

    /// The topologies of all its crates.
    #[must_use]
    fn topologies() -> Vec<&'static str> {
        vec![Self::TOPOLOGY]
    }

    /// Registers all of it.
    fn wire(app: AppBuilder) -> AppBuilder;
}

/// The wiring has a handler for the command or query `R`. Two of them are two implementations of one
/// trait, which the compiler refuses.
#[diagnostic::on_unimplemented(
    message = "no handler for `{R}` in the service that owns it",
    label = "nothing handles this message",
    note = "write `#[command] async fn ..(&self, message: {R}) -> Result<Reply, Error>` (or #[query]) in an annotated impl of its owner"
)]
pub trait Handles<R: Request> {}

/// The wiring can hand over a `T`.
#[diagnostic::on_unimplemented(
    message = "nothing provides `{T}`",
    label = "a service, provider or handler of this crate asks for `{T}`",
    note = "write `#[provider] async fn ..() -> {T}` (or `-> Result<{T}, E>`) in this crate"
)]
pub trait Provides<T> {}

/// The wiring can hand over each type of the list.
#[diagnostic::on_unimplemented(
    message = "nothing provides one of `{L}`",
    label = "a service, provider or handler of this crate asks for them",
    note = "the help above names the type: write `#[provider] async fn ..() -> ThatType` (or `-> Result<ThatType, E>`) in this crate"
)]
pub trait ProvidesAll<L> {}

macro_rules! provides_all {
    ($($name:ident)*) => {
        impl<W, $($name),*> ProvidesAll<($($name,)*)> for W
        where
            $(W: Provides<$name>,)*
        {
        }
    };
}

provides_all!();
provides_all!(A);
provides_all!(A B);
provides_all!(A B C);
provides_all!(A B C D);
provides_all!(A B C D E);
provides_all!(A B C D E F);
provides_all!(A B C D E F G);
provides_all!(A B C D E F G H);
provides_all!(A B C D E F G H I);
provides_all!(A B C D E F G H I J);
provides_all!(A B C D E F G H I J K);
provides_all!(A B C D E F G H I J K L);

macro_rules! wirings {
    ($($name:ident)*) => {
        impl<$($name: Wiring),*> Wiring for ($($name,)*) {
            const PACKAGE: &'static str = "";
            const TOPOLOGY: &'static str = "";

            fn topologies() -> Vec<&'static str> {
                let mut all = Vec::new();
                $(all.extend($name::topologies());)*
                all
            }

            fn wire(app: AppBuilder) -> AppBuilder {
                $(let app = $name::wire(app);)*
                app
            }
        }
    };
}

wirings!(A);
wirings!(A B);
wirings!(A B C);
wirings!(A B C D);
wirings!(A B C D E);
wirings!(A B C D E F);
wirings!(A B C D E F G);
wirings!(A B C D E F G H);
