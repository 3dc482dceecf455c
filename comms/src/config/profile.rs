//! A file's own tables, and over them those of the chosen profile.

use std::sync::Arc;

use super::keys::PROFILE;
use super::tree::{self, Node, Table, Value};
use super::{ConfigProblem, Origin, schema, toml};
use crate::text::suggest;

/// The layer that a file makes. All of its profiles are checked, not only the chosen one.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn file_layer(file: &Arc<str>, text: &str, profile: Option<&str>) -> Result<Table, Vec<ConfigProblem>> {
    let mut layer = toml::parse(file, text)?;
    let mut problems = Vec::new();
    let mut profiles = take_profiles(&mut layer, &mut problems);
    schema::check(&mut layer, &mut problems);
    profiles.values_mut().for_each(|node| check_profile(node, &mut problems));
    match profile {
        None => {}
        Some(name) => match profiles.remove(name) {
            Some(Node { value: Value::Table(table), .. }) => tree::overlay(&mut layer, table),
            Some(_) => {}
            None => problems.push(no_profile(file, name, &profiles)),
        },
    }
    if problems.is_empty() { Ok(layer) } else { Err(problems) }
}

fn take_profiles(layer: &mut Table, problems: &mut Vec<ConfigProblem>) -> Table {
    match layer.remove(PROFILE) {
        None => Table::new(),
        Some(Node { value: Value::Table(profiles), .. }) => profiles,
        Some(node) => {
            problems.push(ConfigProblem::new(
                node.origin,
                PROFILE,
                "expected a table for each profile: `[profile.NAME]`; choose one with `--profile`",
            ));
            Table::new()
        }
    }
}

fn check_profile(node: &mut Node, problems: &mut Vec<ConfigProblem>) {
    match &mut node.value {
        Value::Table(table) => schema::check(table, problems),
        value => problems.push(ConfigProblem::new(node.origin.clone(), PROFILE, format!("expected a table, found {}", value.kind()))),
    }
}

/// The problem of a profile that was asked for and is not there.
pub(crate) fn no_profile(file: &Arc<str>, name: &str, profiles: &Table) -> ConfigProblem {
    let known = suggest(name, profiles.keys().map(String::as_str));
    let origin = Origin::Layer { place: Arc::clone(file) };
    ConfigProblem::new(origin, "", format!("there is no `[{PROFILE}.{name}]`, the profile that was asked for; {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "[log]\nfilter = \"info\"\nformat = \"json\"\n[profile.test.log]\nfilter = \"debug\"\n[profile.prod.log]\nfliter = \"warn\"\n";

    #[test]
    fn a_profile_lies_over_the_file() {
        let text = FILE.replace("fliter", "filter");
        let layer = file_layer(&"comms.toml".into(), &text, Some("test")).unwrap();
        let filter = tree::find(&layer, &["log", "filter"]).unwrap();
        assert_eq!((filter.as_text(), filter.origin.to_string().as_str()), (Some("debug"), "comms.toml:5:10"));
        assert_eq!(tree::find(&layer, &["log", "format"]).unwrap().as_text(), Some("json"));
    }

    #[test]
    fn profiles_that_are_not_chosen_are_checked_too() {
        let problems = file_layer(&"comms.toml".into(), FILE, Some("test")).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "comms.toml:7:1: `log.fliter`: unknown key; did you mean `filter`? (known: `format`, `filter`)"
        );
    }

    #[test]
    fn a_profile_that_is_not_there_is_refused_by_name() {
        let text = FILE.replace("fliter", "filter");
        let problems = file_layer(&"comms.toml".into(), &text, Some("tset")).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "comms.toml: there is no `[profile.tset]`, the profile that was asked for; did you mean `test`? (known: `prod`, `test`)"
        );
    }
}
