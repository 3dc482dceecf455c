//! The topology as a Mermaid flowchart: services are boxes, topics are queues, an arrow is a message, a dotted one
//! gets an answer. What comes from outside over HTTP comes from one rounded node; what is called outside is one each.

use std::collections::{BTreeMap, BTreeSet};

use super::topology::calls;
use crate::model::{Client, Crate, Kind, TypeUse, World};

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
        for at in calls(krate, service) {
            add_call(graph, world, &service.name, world.client(at));
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
        graph.edge((HTTP, Shape::Outside), (service, Shape::Service), &route.requests(), ANSWERED);
    }
}

/// To the services that implement what is called, else to a node of its own.
fn add_call(graph: &mut Graph, world: &World, service: &str, client: &Client) {
    let contract = world.trait_name(&client.contract);
    let label = format!("{contract} ({})", client.kind.name());
    let implementers: Vec<&str> = world.implementers(client).collect();
    for implementer in &implementers {
        graph.node(implementer, Shape::Service);
        graph.edge((service, Shape::Service), (implementer, Shape::Service), &label, ANSWERED);
    }
    if implementers.is_empty() {
        let outside = client.url.as_deref().unwrap_or(&contract);
        graph.node(outside, Shape::Outside);
        graph.edge((service, Shape::Service), (outside, Shape::Outside), &label, ANSWERED);
    }
}

/// Where requests come from. No service or topic is called so: their names are in lower case.
const HTTP: &str = "HTTP";

/// The arrow of what gets an answer.
const ANSWERED: &str = "-.->";

fn add_published(graph: &mut Graph, world: &World, service: &str, published: &TypeUse) {
    let (topic, label) = topic_and_label(world, published);
    graph.node(&topic, Shape::Topic);
    graph.edge((service, Shape::Service), (&topic, Shape::Topic), &label, "-->");
}

/// A request arrives over its topic too, drawn dotted because it gets an answer.
fn add_handled(graph: &mut Graph, world: &World, service: &str, kind: Kind, handled: &TypeUse) {
    let (topic, label) = topic_and_label(world, handled);
    graph.node(&topic, Shape::Topic);
    graph.edge((&topic, Shape::Topic), (service, Shape::Service), &label, if kind == Kind::Event { "-->" } else { ANSWERED });
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
    nodes: BTreeMap<Node, String>,
    /// The end points, their arrow, and what runs between them.
    edges: BTreeMap<(Node, Node, &'static str), BTreeSet<String>>,
}

/// A service and a topic may have one name.
type Node = (String, Shape);

impl Graph {
    fn node(&mut self, name: &str, shape: Shape) {
        let id = format!("{}{}", shape.letter(), self.nodes.len());
        self.nodes.entry((name.to_owned(), shape)).or_insert(id);
    }

    fn edge(&mut self, from: (&str, Shape), to: (&str, Shape), label: &str, arrow: &'static str) {
        let [from, to] = [from, to].map(|(name, shape)| (name.to_owned(), shape));
        self.edges.entry((from, to, arrow)).or_default().insert(label.to_owned());
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
            text += &format!("    {} {arrow}|\"{}\"| {}\n", self.id(from), labels.join("<br>"), self.id(to));
        }
        text
    }

    fn id(&self, node: &Node) -> &str {
        self.nodes.get(node).map_or("", String::as_str)
    }
}

/// Mermaid reads `#quot;` for a quotation mark, and would read `<` as HTML.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}
