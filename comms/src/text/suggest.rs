//! "Did you mean".

/// The sentence that names the nearest of the names, if one is near, and then all of them.
pub(crate) fn suggest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let known = if names.is_empty() { "there are none".to_owned() } else { format!("known: {}", quoted(&names)) };
    match nearest(wrong, &names) {
        Some(near) => format!("did you mean `{near}`? ({known})"),
        None => known,
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The name that needs the fewest edits, at most one in three letters.
fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let (edits, name) = names.iter().map(|name| (distance(&wrong, &name.to_lowercase()), *name)).min()?;
    (edits <= name.chars().count().max(3) / 3).then_some(name)
}

/// Edits between two texts: insertions, deletions, replacements, and neighbours swapped (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(suggest("borkers", ["brokers", "log"]), "did you mean `brokers`? (known: `brokers`, `log`)");
        assert_eq!(suggest("Timeout", ["timeout"]), "did you mean `timeout`? (known: `timeout`)");
        assert_eq!(suggest("xyz", ["brokers", "log"]), "known: `brokers`, `log`");
        assert_eq!(suggest("xyz", []), "there are none");
    }
}
