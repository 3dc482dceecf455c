use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
struct OrderId(uuid::Uuid);

#[derive(Debug, PartialEq, Deserialize)]
struct Page(u32);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Green,
}

fn read<T: DeserializeOwned>(texts: &[&str]) -> Result<T, String> {
    let texts: Vec<Cow<'_, str>> = texts.iter().map(|text| Cow::Borrowed(*text)).collect();
    super::read(&texts).map_err(|invalid| invalid.to_string())
}

#[test]
fn texts_become_what_is_asked_for() {
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    assert_eq!(read(&[id]), Ok(OrderId(id.parse().unwrap())));
    assert_eq!(read(&["7"]), Ok(Page(7)));
    assert_eq!(read(&["7"]), Ok(Some(Page(7))));
    assert_eq!(read(&["green"]), Ok(Color::Green));
    assert_eq!(read(&["true"]), Ok(true));
    assert_eq!(read(&["-1.5"]), Ok(-1.5));
    assert_eq!(read(&["x"]), Ok('x'));
    assert_eq!(read(&[""]), Ok(String::new()));
}

#[test]
fn what_is_not_there_is_none_or_empty_or_missed() {
    assert_eq!(read::<Option<u8>>(&[]), Ok(None));
    assert_eq!(read::<Vec<u8>>(&[]), Ok(Vec::new()));
    assert_eq!(read::<Option<Vec<u8>>>(&["1", "2"]), Ok(Some(vec![1, 2])));
    assert_eq!(read::<u8>(&[]).unwrap_err(), "it is missing");
}

#[test]
fn a_list_in_a_header_stands_between_commas() {
    fn header<T: DeserializeOwned>(lines: &[&str]) -> Result<T, String> {
        let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| Cow::Borrowed(*line)).collect();
        read_header(&lines).map_err(|invalid| invalid.to_string())
    }
    assert_eq!(header(&["1,2", " 3 ,, 4"]), Ok(vec![1, 2, 3, 4]));
    assert_eq!(header(&["a, b"]), Ok("a, b".to_owned()));
    assert_eq!(header(&[""]), Ok(Vec::<u8>::new()));
    assert_eq!(header::<Vec<u8>>(&["1,x"]).unwrap_err(), "expected a whole number from 0 to 255, found `x`");
    assert_eq!(read(&["1,2"]), Ok(vec!["1,2".to_owned()]));
}

#[test]
fn a_number_is_finite() {
    assert_eq!(read::<f64>(&["NaN"]).unwrap_err(), "expected a number, found `NaN`");
    assert!(read::<f32>(&["inf"]).is_err() && read::<f64>(&["1e999"]).is_err());
    assert_eq!(read(&["-1e3"]), Ok(-1000.0));
}

#[test]
fn what_is_wrong_is_said_with_what_is_expected() {
    assert_eq!(read::<u8>(&["300"]).unwrap_err(), "expected a whole number from 0 to 255, found `300`");
    assert_eq!(read::<u8>(&["1", "2"]).unwrap_err(), "it is given 2 times, and may be given once");
    assert!(read::<Color>(&["blue"]).unwrap_err().contains("expected `red` or `green`"));
    assert!(read::<OrderId>(&["7"]).is_err());
    assert!(read::<u8>(&[&"9".repeat(1000)]).unwrap_err().len() < 150);
}
