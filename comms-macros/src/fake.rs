//! The fake of a contract, which stands in for the service in tests: a script for each method.

use comms_syntax::contract::{Contract, Method};
use comms_syntax::names;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Path, Type};

use crate::contract::descriptor;

/// The fake; the macro around it leaves it out where the feature `testing` is off.
pub(crate) fn expand(contract: &Contract) -> TokenStream {
    let Contract { common, ident, vis, methods, .. } = contract;
    let (krate, cfgs, fake) = (&common.krate, &common.cfgs, names::beside(ident, "Fake"));
    let text =
        format!("Stands in for [`{ident}`] in tests: answers as its scripts say, and keeps what it was called with. Clones share both.");
    let fields = methods.iter().map(|method| field(krate, method));
    let values = methods.iter().map(|method| value(krate, &fake, method));
    let scripts = methods.iter().map(|method| script(krate, vis, method));
    let answers = methods.iter().map(answer);
    let channel = channel(contract, &fake);
    quote! {
        #krate::__fake! {
            #(#cfgs)*
            #[doc = #text]
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            #vis struct #fake {
                #(#fields,)*
            }
            #(#cfgs)*
            impl ::core::default::Default for #fake {
                fn default() -> Self {
                    Self { #(#values,)* }
                }
            }
            #(#cfgs)*
            impl #fake {
                #(#scripts)*
            }
            #(#cfgs)*
            impl #ident for #fake {
                #(#answers)*
            }
            #channel
        }
    }
}

/// Its answers arrive over the routes of the contract, as those of a service would.
fn channel(contract: &Contract, fake: &Ident) -> TokenStream {
    let (krate, cfgs, name) = (&contract.common.krate, &contract.common.cfgs, &contract.name.value);
    let routes = contract.methods.iter().map(|method| {
        let (cfgs, descriptor) = (&method.route.common.cfgs, descriptor(contract, method));
        quote!(#(#cfgs)* let routes = routes.route::<#descriptor<Self>>();)
    });
    quote! {
        #(#cfgs)*
        impl #krate::testing::Fake for #fake {
            fn channel(&self) -> #krate::client::Channel {
                let routes = #krate::testing::Routes::of(#name, ::std::sync::Arc::new(::core::clone::Clone::clone(self)));
                #(#routes)*
                routes.channel()
            }
        }
    }
}

fn types(method: &Method) -> Vec<&Type> {
    method.route.parameters.iter().map(|parameter| &parameter.ty).collect()
}

/// `Script<Argument, Answer>`, with a tuple of several arguments.
fn script_type(krate: &Path, method: &Method) -> TokenStream {
    let types = types(method);
    let arguments = if let [one] = types[..] { quote!(#one) } else { quote!((#(#types),*)) };
    let answer = method.route.output.as_ref().map_or_else(|| quote!(()), |output| quote!(#output));
    quote!(#krate::testing::Script<#arguments, #answer>)
}

fn field(krate: &Path, method: &Method) -> TokenStream {
    let (cfgs, name, script) = (&method.route.common.cfgs, &method.route.ident, script_type(krate, method));
    quote!(#(#cfgs)* #name: #script)
}

fn value(krate: &Path, fake: &Ident, method: &Method) -> TokenStream {
    let (cfgs, name) = (&method.route.common.cfgs, &method.route.ident);
    let (fake, method) = (fake.to_string(), names::entry(name));
    quote!(#(#cfgs)* #name: #krate::testing::Script::new(#fake, #method))
}

fn script(krate: &Path, vis: &syn::Visibility, method: &Method) -> TokenStream {
    let (cfgs, name, script) = (&method.route.common.cfgs, &method.route.ident, script_type(krate, method));
    let text = format!("What `{name}` answers, and what it was called with.");
    quote! {
        #(#cfgs)*
        #[doc = #text]
        #vis fn #name(&self) -> &#script {
            &self.#name
        }
    }
}

fn answer(method: &Method) -> TokenStream {
    let Method { route, arguments, .. } = method;
    let (cfgs, name, types) = (&route.common.cfgs, &route.ident, types(method));
    let output = route.output.as_ref().map(|output| quote!(-> #output));
    let given = if let [one] = &arguments[..] { quote!(#one) } else { quote!((#(#arguments),*)) };
    quote! {
        #(#cfgs)*
        async fn #name(&self, #(#arguments: #types),*) #output {
            self.#name.call(#given).await
        }
    }
}
