//! Answers in gzip.

use std::process::Stdio;

use comms::App;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::client::{address, exchange, until};
use crate::orders::Gate;
use crate::parcels::Watch;

async fn serve() -> App {
    crate::client::serve(&Gate::new(), "compression = true").await
}

fn ask(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
}

const GZIP: &str = "accept-encoding: gzip\r\n";

/// curl, which unpacks.
async fn curl(app: &App, path: &str, arguments: &[&str]) -> Vec<u8> {
    let url = format!("http://{}{path}", address(app));
    let output = Command::new("curl").args(["-sS", "--compressed", "--max-time", "20"]).args(arguments).arg(url).output().await;
    let output = output.expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test]
async fn a_large_answer_is_packed_for_who_reads_it() {
    let app = serve().await;
    let expected = (8 << 20) + 2;
    assert_eq!(curl(&app, "/large", &[]).await.len(), expected);
    assert_eq!(curl(&app, "/large", &["--http2-prior-knowledge"]).await.len(), expected);
    let head = String::from_utf8(
        curl(&app, "/large", &["-o", "/dev/null", "-w", "%{size_download} %header{vary} %header{content-encoding}"]).await,
    );
    let head = head.unwrap();
    let (size, rest) = head.split_once(' ').unwrap();
    assert!(size.parse::<usize>().unwrap() < 100_000, "{head}");
    assert_eq!(rest, "accept-encoding gzip");
    assert!(exchange(&app, &ask("/large", "")).await.contains(&format!("content-length: {expected}\r\n")));
    assert!(exchange(&app, &ask("/large", "")).await.contains("\r\nvary: accept-encoding\r\n"));
    let refused = exchange(&app, &ask("/large", "accept-encoding: gzip;q=0\r\n")).await;
    assert!(refused.contains(&format!("content-length: {expected}\r\n")), "{}", &refused[..300]);
}

#[tokio::test]
async fn small_answers_pictures_and_events_are_left_alone() {
    let app = serve().await;
    for path in ["/orders/7", "/nowhere"] {
        let answer = exchange(&app, &ask(path, GZIP)).await;
        assert!(!answer.contains("content-encoding"), "{answer}");
    }
    assert!(
        exchange(&app, &format!("DELETE /orders/7 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{GZIP}\r\n"))
            .await
            .starts_with("HTTP/1.1 204 ")
    );
    let watch = Watch::new();
    let parcels = crate::parcels::serve(&watch, "compression = true").await;
    let answer = exchange(&parcels, &ask("/export", GZIP)).await;
    assert!(!answer.contains("content-encoding") && answer.contains("application/octet-stream"));
    let mut stream = crate::client::connect(&parcels).await;
    stream.write_all(ask("/news", GZIP).as_bytes()).await.unwrap();
    watch.open(1).await;
    watch.news.send(13).unwrap();
    assert!(!crate::client::rest(&mut stream).await.contains("content-encoding"));
}

#[tokio::test]
async fn a_stream_is_packed_piece_by_piece() {
    let watch = Watch::new();
    let app = crate::parcels::serve(&watch, "compression = true").await;
    let url = format!("http://{}/ticks", address(&app));
    let mut curl =
        Command::new("curl").args(["-sS", "-N", "--compressed", &url]).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    watch.open(1).await;
    let mut out = curl.stdout.take().unwrap();
    for number in [1, 2, 3] {
        watch.news.send(number).unwrap();
        let mut byte = [0; 2];
        let read = tokio::io::AsyncReadExt::read_exact(&mut out, &mut byte);
        tokio::time::timeout(crate::client::PATIENCE, read).await.expect("each piece arrives").unwrap();
        assert_eq!(byte, [b'0' + number as u8, b'\n']);
    }
    curl.kill().await.unwrap();
    watch.open(0).await;
    until("no connection is left", || app.http_connections() == 0).await;
}
