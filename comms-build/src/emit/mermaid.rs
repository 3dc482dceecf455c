//! The topology as a Mermaid flowchart: services are boxes, topics are queues, an arrow is a message. What comes from
//! outside over HTTP comes from one rounded node.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Crate, Kind, TypeUse, World};

/// The graph of the crates, as text.
pub(crate) fn graph<'a>(world: &World, crates: impl Iterator<Item = &'a Crate>) -> String {
    let mut graph = Graph::default();
    for krate in crates {
        add_crate(&mut graph, world, krate);
    }
    graph.text()
}

fn add_crate(graph: &mut Graph, world: &World, krate: &Crate) {
    for service in krate.services.iter().filter(|it| !it.origin.test_only) {
        graph.node(&service.name, Shape::Service);
        for published in &service.publishes {
            add_published(graph, world, &service.name, published);
        }
    }
    for handler in krate.handlers.iter().filter(|it| !it.origin.test_only) {
        let Some(service) = &handler.service else { continue };
        add_handled(graph, world, service, handler.kind, &handler.message);
        for published in &handler.publishes {
            add_published(graph, world, service, published);
        }
    }
    for route in krate.routes.iter().filter(|it| !it.origin.test_only) {
        let Some(service) = &route.service else { continue };
        graph.node(HTTP, Shape::Outside);
        graph.edge(HTTP, service, &route.requests(), ANSWERED);
    }
}

/// Where requests come from. No service or topic is called so: their names are in lower case.
const HTTP: &str = "HTTP";

/// The arrow of what gets an answer.
const ANSWERED: &str = "-.->";

fn add_published(graph: &mut Graph, world: &World, service: &str, published: &TypeUse) {
    let (topic, label) = topic_and_label(world, published);
    graph.node(&topic, Shape::Topic);
    graph.edge(service, &topic, &label, "-->");
}

/// A request arrives over its topic too, drawn dotted because it gets an answer.
fn add_handled(graph: &mut Graph, world: &World, service: &str, kind: Kind, handled: &TypeUse) {
    let (topic, label) = topic_and_label(world, handled);
    graph.node(&topic, Shape::Topic);
    graph.edge(&topic, service, &label, if kind == Kind::Event { "-->" } else { ANSWERED });
}

fn topic_and_label(world: &World, used: &TypeUse) -> (String, String) {
    match used.message.map(|at| world.message(at)) {
        Some(message) if message.broker == "default" => (message.topic.clone(), message.wire_name.clone()),
        Some(message) => (format!("{} @ {}", message.topic, message.broker), message.wire_name.clone()),
        None => ("topic of another crate".to_owned(), used.text.clone()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Service,
    Topic,
    Outside,
}

impl Shape {
    /// The beginning of the ids of such nodes.
    fn letter(self) -> char {
        match self {
            Self::Service => 's',
            Self::Topic => 't',
            Self::Outside => 'o',
        }
    }
}

#[derive(Default)]
struct Graph {
    nodes: BTreeMap<(String, Shape), String>,
    /// The end points, their arrow, and what runs between them.
    edges: BTreeMap<(String, String, &'static str), BTreeSet<String>>,
}

impl Graph {
    fn node(&mut self, name: &str, shape: Shape) {
        let id = format!("{}{}", shape.letter(), self.nodes.len());
        self.nodes.entry((name.to_owned(), shape)).or_insert(id);
    }

    fn edge(&mut self, from: &str, to: &str, label: &str, arrow: &'static str) {
        self.edges.entry((from.to_owned(), to.to_owned(), arrow)).or_default().insert(label.to_owned());
    }

    fn text(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for ((name, shape), id) in &self.nodes {
            let name = escaped(name);
            text += &match shape {
                Shape::Service => format!("    {id}[\"{name}\"]\n"),
                Shape::Topic => format!("    {id}[(\"{name}\")]\n"),
                Shape::Outside => format!("    {id}([\"{name}\"])\n"),
            };
        }
        for ((from, to, arrow), labels) in &self.edges {
            let labels: Vec<String> = labels.iter().map(|label| escaped(label)).collect();
            text += &format!("    {} {arrow}|\"{}\"| {}\n", self.id(from, to, true), labels.join("<br>"), self.id(from, to, false));
        }
        text
    }

    /// A service and a topic may have one name: an edge always joins a service and something else.
    fn id(&self, from: &str, to: &str, start: bool) -> &str {
        let pairs = [(Shape::Service, Shape::Topic), (Shape::Topic, Shape::Service), (Shape::Outside, Shape::Service)];
        let ends = pairs
            .into_iter()
            .find_map(|(first, second)| Some((self.nodes.get(&(from.to_owned(), first))?, self.nodes.get(&(to.to_owned(), second))?)));
        ends.map_or("", |(from, to)| if start { from } else { to })
    }
}

/// Mermaid reads `#quot;` for a quotation mark, and would read `<` as HTML.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}
