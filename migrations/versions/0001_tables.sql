CREATE TABLE receipts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    topic TEXT NOT NULL,
    owner TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    event_id TEXT,
    business_key BYTEA NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE,
    body BYTEA NOT NULL,
    state TEXT DEFAULT 'pending' NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    relayed_at TIMESTAMP WITH TIME ZONE,
    leased_until TIMESTAMP WITH TIME ZONE,
    available_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts BIGINT DEFAULT '0' NOT NULL,
    processed_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX receipts_business ON receipts (source, owner, business_key);

CREATE UNIQUE INDEX receipts_delivery ON receipts (source, owner, delivery_id);

CREATE INDEX receipts_pending ON receipts (available_at, id) WHERE state = 'pending';

CREATE INDEX receipts_waiting ON receipts (owner) WHERE state = 'waiting';

CREATE TABLE shops (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    domain TEXT NOT NULL,
    state TEXT DEFAULT 'installed' NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    country TEXT,
    currency TEXT,
    scopes TEXT DEFAULT '' NOT NULL,
    installed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    uninstalled_at TIMESTAMP WITH TIME ZONE,
    reconciled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (domain)
);

CREATE TABLE audit_entries (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail JSONB DEFAULT '{}' NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE INDEX audit_entries_by_shop ON audit_entries (shop_id, id);

CREATE TABLE consent_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    phone TEXT NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    source TEXT NOT NULL,
    wording TEXT,
    covers_assistant BOOLEAN DEFAULT 'false' NOT NULL,
    order_id BIGINT,
    message_id BIGINT,
    evidence JSONB DEFAULT '{}' NOT NULL,
    proof TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX consent_events_once ON consent_events (shop_id, proof);

CREATE INDEX consent_events_phone ON consent_events (shop_id, phone, id);

CREATE TABLE contacts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    phone TEXT NOT NULL,
    shopify_customer_id BIGINT,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    locale TEXT,
    country TEXT,
    zip TEXT,
    billing_zip TEXT,
    shared_phone BOOLEAN DEFAULT 'false' NOT NULL,
    line_kind TEXT DEFAULT 'unknown' NOT NULL,
    opted_out_at TIMESTAMP WITH TIME ZONE,
    last_inbound_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE INDEX contacts_customer ON contacts (shop_id, shopify_customer_id) WHERE shopify_customer_id IS NOT NULL;

CREATE UNIQUE INDEX contacts_phone ON contacts (shop_id, phone);

CREATE TABLE helpdesk_accounts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subdomain TEXT NOT NULL,
    state TEXT DEFAULT 'connected' NOT NULL,
    access_token TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    refresh_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    refreshing_until TIMESTAMP WITH TIME ZONE,
    bot_user_id TEXT NOT NULL,
    door_key TEXT NOT NULL,
    webhook_id TEXT,
    webhook_secret TEXT,
    updates_per_minute BIGINT DEFAULT '90' NOT NULL,
    problem TEXT,
    connected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    UNIQUE (door_key)
);

CREATE UNIQUE INDEX helpdesk_accounts_shop ON helpdesk_accounts (shop_id, kind);

CREATE TABLE message_statuses (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    provider_sid TEXT NOT NULL,
    status TEXT NOT NULL,
    error_code TEXT,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX message_statuses_once ON message_statuses (shop_id, provider_sid, status);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    topic TEXT NOT NULL,
    queue TEXT NOT NULL,
    payload JSONB NOT NULL,
    ordering_key TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    available_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    relayed_at TIMESTAMP WITH TIME ZONE,
    leased_until TIMESTAMP WITH TIME ZONE,
    attempts BIGINT DEFAULT '0' NOT NULL,
    failed_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE INDEX outbox_in_order ON outbox (ordering_key, id) WHERE ordering_key IS NOT NULL AND failed_at IS NULL;

CREATE INDEX outbox_waiting ON outbox (available_at, id) WHERE failed_at IS NULL;

CREATE TABLE permissions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    message_id BIGINT,
    check_in_id BIGINT,
    purpose TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT,
    not_before TIMESTAMP WITH TIME ZONE,
    evidence JSONB NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE INDEX permissions_message ON permissions (message_id);

CREATE TABLE senders (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    account_sid TEXT NOT NULL,
    auth_token TEXT NOT NULL,
    messaging_service_sid TEXT NOT NULL,
    phone TEXT NOT NULL,
    kind TEXT NOT NULL,
    segments_per_second DOUBLE PRECISION NOT NULL,
    next_slot_at TIMESTAMP WITH TIME ZONE NOT NULL,
    door_key TEXT NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    pause_reason TEXT,
    provider_confirms BOOLEAN DEFAULT 'true' NOT NULL,
    backfilled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    UNIQUE (door_key)
);

CREATE UNIQUE INDEX senders_one_line ON senders (shop_id) WHERE state <> 'retired';

CREATE TABLE shop_preferences (
    shop_id BIGINT NOT NULL,
    paused BOOLEAN DEFAULT 'false' NOT NULL,
    consent_policy TEXT DEFAULT 'care_opt_in' NOT NULL,
    check_in_delay_minutes BIGINT DEFAULT '120' NOT NULL,
    check_in_per_parcel BOOLEAN DEFAULT 'false' NOT NULL,
    estimate_margin_hours BIGINT DEFAULT '24' NOT NULL,
    days_after_shipping BIGINT DEFAULT '7',
    opener_copy TEXT,
    soft_opener_copy TEXT,
    window_start TIME WITHOUT TIME ZONE DEFAULT '10:00' NOT NULL,
    window_end TIME WITHOUT TIME ZONE DEFAULT '20:00' NOT NULL,
    sunday_start TIME WITHOUT TIME ZONE DEFAULT '12:00' NOT NULL,
    sunday_end TIME WITHOUT TIME ZONE DEFAULT '18:00' NOT NULL,
    support_contact TEXT,
    PRIMARY KEY (shop_id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE TABLE shop_tokens (
    shop_id BIGINT NOT NULL,
    access_token TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    refresh_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    refreshing_until TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (shop_id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE TABLE messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    conversation_id BIGINT,
    sender_id BIGINT,
    direction TEXT NOT NULL,
    author TEXT NOT NULL,
    author_name TEXT,
    purpose TEXT,
    body TEXT NOT NULL,
    segments BIGINT DEFAULT '1' NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    error_code TEXT,
    provider_sid TEXT,
    dedupe_key TEXT,
    order_id BIGINT,
    turn BIGINT,
    not_before TIMESTAMP WITH TIME ZONE,
    slot_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    attempts BIGINT DEFAULT '0' NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE,
    looked_up BIGINT DEFAULT '0' NOT NULL,
    opt_out_type TEXT,
    raw JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
    FOREIGN KEY(sender_id) REFERENCES senders (id) ON DELETE SET NULL
);

CREATE INDEX messages_contact ON messages (contact_id, created_at);

CREATE UNIQUE INDEX messages_dedupe ON messages (shop_id, dedupe_key);

CREATE INDEX messages_held ON messages (not_before) WHERE state = 'queued' AND not_before IS NOT NULL;

CREATE INDEX messages_in_flight ON messages (claimed_at) WHERE state IN ('sending', 'unknown');

CREATE UNIQUE INDEX messages_provider ON messages (shop_id, provider_sid);

CREATE INDEX messages_thread ON messages (conversation_id, id);

CREATE TABLE orders (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    shopify_id BIGINT NOT NULL,
    shopify_updated_at TIMESTAMP WITH TIME ZONE,
    contact_id BIGINT,
    phone_problem TEXT,
    name TEXT,
    placed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    financial_status TEXT,
    returned BOOLEAN DEFAULT 'false' NOT NULL,
    currency TEXT,
    total_price TEXT,
    locale TEXT,
    ship_country TEXT,
    ship_region TEXT,
    ship_zip TEXT,
    bill_zip TEXT,
    status_page_url TEXT,
    complete BOOLEAN DEFAULT 'false' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE SET NULL
);

CREATE INDEX orders_contact ON orders (contact_id);

CREATE UNIQUE INDEX orders_shopify ON orders (shop_id, shopify_id);

CREATE TABLE conversations (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    handled_by TEXT DEFAULT 'agent' NOT NULL,
    order_id BIGINT,
    turn BIGINT DEFAULT '0' NOT NULL,
    turn_at TIMESTAMP WITH TIME ZONE,
    turn_began_with BIGINT,
    waiting_since TIMESTAMP WITH TIME ZONE,
    last_inbound_at TIMESTAMP WITH TIME ZONE,
    last_message_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE,
    FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE SET NULL
);

CREATE UNIQUE INDEX conversations_contact ON conversations (shop_id, contact_id);

CREATE INDEX conversations_recent ON conversations (shop_id, last_message_at);

CREATE TABLE fulfillments (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    shopify_id BIGINT NOT NULL,
    shopify_updated_at TIMESTAMP WITH TIME ZONE,
    status TEXT,
    shipment_status TEXT,
    tracking_company TEXT,
    tracking_number TEXT,
    tracking_url TEXT,
    line_ids BIGINT[] DEFAULT '{}' NOT NULL,
    shipped_at TIMESTAMP WITH TIME ZONE,
    estimated_delivery_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    delivered_by TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE
);

CREATE INDEX fulfillments_order ON fulfillments (order_id);

CREATE UNIQUE INDEX fulfillments_shopify ON fulfillments (shop_id, shopify_id);

CREATE INDEX fulfillments_undelivered ON fulfillments (shipped_at) WHERE delivered_at IS NULL AND status = 'success';

CREATE TABLE media (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    provider_url TEXT,
    declared_type TEXT,
    state TEXT DEFAULT 'pending' NOT NULL,
    error TEXT,
    content_type TEXT,
    size_bytes BIGINT,
    width BIGINT,
    height BIGINT,
    storage_key TEXT,
    provider_deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX media_message ON media (message_id, ordinal);

CREATE TABLE order_lines (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    shopify_id BIGINT NOT NULL,
    title TEXT NOT NULL,
    variant_title TEXT,
    options JSONB DEFAULT '{}' NOT NULL,
    sku TEXT,
    quantity BIGINT NOT NULL,
    current_quantity BIGINT NOT NULL,
    product_id BIGINT,
    variant_id BIGINT,
    image_url TEXT,
    requires_shipping BOOLEAN DEFAULT 'true' NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX order_lines_shopify ON order_lines (order_id, shopify_id);

CREATE TABLE check_ins (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    parcel_id BIGINT,
    kind TEXT NOT NULL,
    basis TEXT NOT NULL,
    state TEXT DEFAULT 'scheduled' NOT NULL,
    reason TEXT,
    arrived_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    message_id BIGINT,
    sent_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(order_id) REFERENCES orders (id) ON DELETE CASCADE,
    FOREIGN KEY(parcel_id) REFERENCES fulfillments (id) ON DELETE CASCADE
);

CREATE INDEX check_ins_due ON check_ins (due_at) WHERE state = 'scheduled';

CREATE INDEX check_ins_message ON check_ins (message_id);

CREATE UNIQUE INDEX check_ins_once ON check_ins (order_id, kind, coalesce(parcel_id, 0));

CREATE INDEX check_ins_recent ON check_ins (shop_id, due_at);

CREATE TABLE ticket_links (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    external_id TEXT NOT NULL,
    ticket_id TEXT,
    requester_id TEXT,
    follow_up_of TEXT,
    mirrored_to BIGINT DEFAULT '0' NOT NULL,
    read_to TEXT,
    polled_at TIMESTAMP WITH TIME ZONE,
    last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(account_id) REFERENCES helpdesk_accounts (id) ON DELETE CASCADE,
    FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    UNIQUE (external_id)
);

CREATE UNIQUE INDEX ticket_links_one_open ON ticket_links (conversation_id) WHERE state IN ('opening', 'open', 'solved');

CREATE INDEX ticket_links_ticket ON ticket_links (account_id, ticket_id);

CREATE TABLE ticket_writes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    link_id BIGINT NOT NULL,
    message_ids BIGINT[] DEFAULT '{}' NOT NULL,
    note_key TEXT,
    body_hash TEXT NOT NULL,
    state TEXT DEFAULT 'intent' NOT NULL,
    comment_id TEXT,
    intended_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(link_id) REFERENCES ticket_links (id) ON DELETE CASCADE
);

CREATE INDEX ticket_writes_comment ON ticket_writes (link_id, comment_id);

CREATE UNIQUE INDEX ticket_writes_note ON ticket_writes (link_id, note_key);

CREATE INDEX ticket_writes_of_shop ON ticket_writes (shop_id, intended_at);

CREATE INDEX ticket_writes_recent ON ticket_writes (link_id, intended_at);

