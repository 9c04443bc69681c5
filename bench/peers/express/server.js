// Shopify's own library as it is shipped: its webhook route, its checks, its default log level,
// and in the handler the same INSERT as the bare Flask route does.
import { ApiVersion, DeliveryMethod } from '@shopify/shopify-api';
import { shopifyApp } from '@shopify/shopify-app-express';
import express from 'express';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.PEER_DATABASE_URL, max: 16 });
const INSERT = 'INSERT INTO received (delivery_id, topic, shop, body) VALUES ($1, $2, $3, $4)';

const shopify = shopifyApp({
  api: {
    apiKey: 'key-of-the-bench',
    apiSecretKey: process.env.PEER_SECRET,
    apiVersion: ApiVersion.October26,
    scopes: ['read_fulfillments'],
    hostName: 'doorstep.example',
    isEmbeddedApp: true,
  },
  auth: { path: '/auth', callbackPath: '/auth/callback' },
  webhooks: { path: '/webhook' },
});

const app = express();
app.post(
  shopify.config.webhooks.path,
  shopify.processWebhooks({
    webhookHandlers: {
      FULFILLMENT_EVENTS_CREATE: {
        deliveryMethod: DeliveryMethod.Http,
        callbackUrl: '/webhook',
        callback: async (topic, shop, body, webhookId) => {
          await pool.query(INSERT, [webhookId, topic, shop, Buffer.from(body)]);
        },
      },
    },
  }),
);
app.listen(Number(process.env.PEER_PORT), '127.0.0.1');
