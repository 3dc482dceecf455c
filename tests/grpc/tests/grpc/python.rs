//! An independent peer: Google's own client for Python calls the generated server.

use std::process::Stdio;

use comms_grpc_tests::serving::{PATIENCE, Serving, until};
use tokio::process::Command;

/// The Python that has `grpcio` and `grpcio-tools`.
async fn python() -> String {
    let given = std::env::var("COMMS_TEST_GRPC_PYTHON").ok();
    let candidates = given.map_or_else(|| vec!["python3".to_owned(), "/usr/bin/python3".to_owned()], |python| vec![python]);
    for python in &candidates {
        let mut import = Command::new(python);
        import.args(["-c", "import grpc, grpc_tools.protoc"]).stdout(Stdio::null()).stderr(Stdio::null());
        if import.status().await.is_ok_and(|status| status.success()) {
            return python.clone();
        }
    }
    panic!(
        "no Python with the modules `grpc` and `grpc_tools`: tried {}. Run the tests with `./test`, which installs them, or name one that has them in COMMS_TEST_GRPC_PYTHON",
        candidates.join(", ")
    );
}

#[tokio::test]
async fn the_client_of_python_gets_along_with_the_generated_server() {
    let serving = Serving::start();
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(python().await);
    command.arg(format!("{folder}/scripts/client.py")).arg(serving.address.to_string()).arg(format!("{folder}/proto"));
    let output = tokio::time::timeout(PATIENCE * 3, command.kill_on_drop(true).output()).await;
    let output = output.expect("the script ends in time").expect("the script starts");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim_end().ends_with("ok"), "{said}\n{errors}");
    until("handlers at work", &serving.seen.at_work, |count| count == 0).await;
}
