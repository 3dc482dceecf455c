//! The two lines that bring generated code into a crate.

/// Takes the wiring that `comms-build` generated for this library into its root: defines `Wiring` there.
///
/// Write it once in `src/lib.rs`. A binary whose items stand in `main.rs` writes `comms::main!()` instead, which
/// includes this.
#[macro_export]
macro_rules! wiring {
    () => {
        ::core::include!(::core::concat!(
            ::core::env!("OUT_DIR", "comms::wiring!() takes in what the build script generates: write build.rs with `fn main() { comms_build::configure().run() }`, and `comms-build` among the build-dependencies"),
            "/comms/lib.rs"
        ));
    };
}

/// Takes in what `comms-build` made of `.proto` files, with the feature `grpc`, which is off here.
#[cfg(not(feature = "grpc"))]
#[macro_export]
macro_rules! proto {
    () => {
        ::core::compile_error!(
            "comms::proto!() needs the feature `grpc` of `comms`: write `comms = { .., features = [\"grpc\"] }` in Cargo.toml"
        );
    };
}

/// The generated main: lifecycle and operator commands.
///
/// `comms::main!(billing_service)` runs the wiring of that library; several libraries run together in
/// one process. `comms::main!()` runs what stands in this very binary.
///
/// `comms::main!(billing_service with |app| ..)`, and `comms::main!(with |app| ..)`, add to the application what no attribute says: a
/// router that is merged, layers of clients, instances of a discovery.
///
/// ```
/// # mod program {
/// # mod billing_service { pub struct Wiring; impl comms::Wiring for Wiring {
/// #     const PACKAGE: &'static str = "billing"; const TOPOLOGY: &'static str = "{}";
/// #     fn wire(app: comms::AppBuilder) -> comms::AppBuilder { app } } }
/// comms::main!(billing_service with |app| app.layer_clients(tower::limit::ConcurrencyLimitLayer::new(64)));
/// # }
/// ```
#[macro_export]
macro_rules! main {
    () => {
        $crate::main!(with |app| app);
    };
    (with $with:expr) => {
        ::core::include!(::core::concat!(
            ::core::env!("OUT_DIR", "comms::main!() takes in what the build script generates: write build.rs with `fn main() { comms_build::configure().run() }`, and `comms-build` among the build-dependencies"),
            "/comms/bin-",
            ::core::env!("CARGO_BIN_NAME"),
            ".rs"
        ));

        fn main() -> ::std::process::ExitCode {
            $crate::__private::main_with::<(Wiring,)>($with)
        }
    };
    ($($library:ident),+ with $with:expr) => {
        fn main() -> ::std::process::ExitCode {
            $crate::__private::main_with::<($($library::Wiring,)+)>($with)
        }
    };
    ($($library:ident),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::__private::main::<($($library::Wiring,)+)>()
        }
    };
}

/// The fake of a contract, where there are tests to use it.
#[cfg(all(feature = "http", feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __fake {
    ($($item:tt)*) => {
        $($item)*
    };
}

/// The fake of a contract, where nobody tests.
#[cfg(not(all(feature = "http", feature = "testing")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __fake {
    ($($item:tt)*) => {};
}
