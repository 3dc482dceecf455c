#[cfg(unix)]
impl Orders {
    /// Changes an order.
    ///
    /// In one step.
    async fn change(
        &self,
        order: NewOrder,
        id: OrderId,
        dry_run: Option<bool>,
        tenant: Tenant,
        host: Host,
    ) -> Result<Order, ChangeError> {
        self.change_one(order, id, dry_run, tenant, host).await
    }
    async fn list(
        &self,
        customer: Option<String>,
        #[allow(unused)]
        page: Option<u32>,
    ) -> Vec<Order> {
        Vec::new()
    }
    #[cfg(feature = "files")]
    async fn remove(&self, name: String) {}
    async fn ping(&self) {}
}
const _: () = {
    #[cfg(unix)]
    #[allow(unused_imports)]
    use put as _;
    #[cfg(unix)]
    #[allow(unused_imports)]
    use comms::get as _;
    #[cfg(unix)]
    #[cfg(feature = "files")]
    #[allow(unused_imports)]
    use delete as _;
    #[cfg(unix)]
    #[allow(unused_imports)]
    use post as _;
};
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Orders_change<T = (Orders,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::http::Route for __comms_Orders_change {
    type Service = Orders;
    const DECL: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Put,
            "/orders/{id}",
            "change",
            ::comms::__here!(),
        )
        .status(202)
        .timeout(::core::time::Duration::from_millis(5000))
        .body_limit(65536)
        .parameters(
            &[
                ::comms::http::ParameterDecl::new("order", ::comms::http::Place::Body)
                    .shape(::comms::__shape!(body NewOrder)),
                ::comms::http::ParameterDecl::new("id", ::comms::http::Place::Path)
                    .shape(::comms::__shape!(parameter OrderId)),
                ::comms::http::ParameterDecl::new("dry_run", ::comms::http::Place::Query)
                    .shape(::comms::__shape!(parameter Option < bool >)),
                ::comms::http::ParameterDecl::new(
                        "x-tenant",
                        ::comms::http::Place::Header,
                    )
                    .shape(::comms::__shape!(parameter Tenant)),
                ::comms::http::ParameterDecl::new(
                    "host",
                    ::comms::http::Place::Extracted,
                ),
            ],
        )
        .answer(::comms::__shape!(answer Result < Order, ChangeError >))
        .doc("Changes an order.\n\nIn one step.");
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg1 = arguments.path::<OrderId>("id")?;
        let arg2 = arguments.query::<Option<bool>>("dry_run")?;
        let arg3 = arguments.header::<Tenant>("x-tenant")?;
        let arg4 = arguments.extract::<Host>().await?;
        let arg0 = ::comms::__body!(arguments, NewOrder)?;
        ::comms::__answered!(
            Self::DECL.status, Orders::change(& service, arg0, arg1, arg2, arg3, arg4).
            await
        )
    }
}
#[cfg(unix)]
::comms::__listed!("Orders::change");
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Orders_list<T = (Orders,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::http::Route for __comms_Orders_list {
    type Service = Orders;
    const DECL: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Get,
            "/orders",
            "list",
            ::comms::__here!(),
        )
        .timeout(limits::TIMEOUT)
        .parameters(
            &[
                ::comms::http::ParameterDecl::new(
                        "customer",
                        ::comms::http::Place::Query,
                    )
                    .shape(::comms::__shape!(parameter Option < String >)),
                ::comms::http::ParameterDecl::new("page", ::comms::http::Place::Query)
                    .shape(::comms::__shape!(parameter Option < u32 >)),
            ],
        )
        .answer(::comms::__shape!(answer Vec < Order >));
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg0 = arguments.query::<Option<String>>("customer")?;
        let arg1 = arguments.query::<Option<u32>>("page")?;
        ::comms::__answered!(
            Self::DECL.status, Orders::list(& service, arg0, arg1). await
        )
    }
}
#[cfg(unix)]
::comms::__listed!("Orders::list");
#[cfg(unix)]
#[cfg(feature = "files")]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Orders_remove<T = (Orders,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
#[cfg(feature = "files")]
impl ::comms::http::Route for __comms_Orders_remove {
    type Service = Orders;
    const DECL: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Delete,
            "/files/{*name}",
            "remove",
            ::comms::__here!(),
        )
        .parameters(
            &[
                ::comms::http::ParameterDecl::new("name", ::comms::http::Place::Path)
                    .shape(::comms::__shape!(parameter String)),
            ],
        )
        .answer(::comms::__shape!(answer()));
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        mut arguments: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        let arg0 = arguments.path::<String>("name")?;
        ::comms::__answered!(Self::DECL.status, Orders::remove(& service, arg0). await)
    }
}
#[cfg(unix)]
#[cfg(feature = "files")]
::comms::__listed!("Orders::remove");
#[cfg(unix)]
#[allow(non_camel_case_types, private_interfaces)]
pub(crate) struct __comms_Orders_ping<T = (Orders,)>(
    ::core::marker::PhantomData<fn() -> T>,
);
#[cfg(unix)]
impl ::comms::http::Route for __comms_Orders_ping {
    type Service = Orders;
    const DECL: ::comms::http::RouteDecl = ::comms::http::RouteDecl::new(
            ::comms::http::Verb::Post,
            "/ping",
            "ping",
            ::comms::__here!(),
        )
        .answer(::comms::__shape!(answer()));
    async fn call(
        service: ::std::sync::Arc<Self::Service>,
        _: ::comms::http::Arguments,
    ) -> ::comms::http::Answered {
        ::comms::__answered!(Self::DECL.status, Orders::ping(& service,). await)
    }
}
#[cfg(unix)]
::comms::__listed!("Orders::ping");
