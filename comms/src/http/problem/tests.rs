use super::*;

#[test]
fn a_problem_survives_the_wire_with_its_extensions() {
    let problem = Problem::new(404).of_type("https://shop.example/no-such-order").detail("7").instance("/orders/7").with("order", 7);
    let text = serde_json::to_string(&problem).unwrap();
    assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
}

#[test]
fn a_foreign_problem_may_leave_everything_out() {
    let problem: Problem = serde_json::from_str(r#"{"balance": 30}"#).unwrap();
    assert_eq!((problem.kind(), problem.extension("balance")), ("about:blank", Some(&30.into())));
}

#[test]
fn members_of_the_wrong_type_are_ignored() {
    let text = r#"{"type":7,"title":null,"status":"404","detail":["x"],"instance":{},"code":1,"balance":30}"#;
    let problem: Problem = serde_json::from_str(text).unwrap();
    assert_eq!((problem.kind(), problem.title(), problem.status()), ("about:blank", "", 500));
    assert_eq!((problem.detail_text(), problem.instance_uri(), problem.code_text()), (None, None, None));
    assert_eq!((problem.extension("balance"), problem.extension("detail")), (Some(&30.into()), None));
    let problem: Problem = serde_json::from_str(r#"{"status":70000,"detail":"why"}"#).unwrap();
    assert_eq!((problem.status(), problem.detail_text()), (500, Some("why")));
    assert!(serde_json::from_str::<Problem>("[]").is_err());
}

#[test]
fn what_the_log_is_told_is_not_sent() {
    let problem = Problem::new(500).because("the password is hunter2");
    assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
    assert!(!problem.to_string().contains("hunter2"));
}

#[test]
fn an_extension_can_not_take_the_place_of_a_member() {
    let text = serde_json::to_string(&Problem::new(400).with("status", 200)).unwrap();
    assert_eq!(text, r#"{"type":"about:blank","title":"Bad Request","status":400}"#);
}
