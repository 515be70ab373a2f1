// Produce and consume COUNT messages with kafkajs. usage: BOOTSTRAP TOPIC COUNT
// SCEN_NODE/node_modules holds kafkajs (check.sh installs it there).
import { createRequire } from 'node:module';
const { Kafka, logLevel } = createRequire(process.env.SCEN_NODE + '/')('kafkajs');
const [bootstrap, topic, n] = process.argv.slice(2);
const count = Number(n);
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR, retry: { retries: 3 } });
const producer = kafka.producer();
await producer.connect();
for (let i = 0; i < count; i++) await producer.send({ topic, messages: [{ value: 'm' + i, partition: i % 3 }] });
const consumer = kafka.consumer({ groupId: 'g-' + topic, maxWaitTimeInMs: 500 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const got = new Set();
await new Promise((done) => {
  setTimeout(done, 20000);
  consumer.run({ eachMessage: async ({ message }) => { got.add(String(message.value)); if (got.size === count) done(); } });
});
console.log(`kafkajs: produced ${count}, consumed ${got.size}`);
await Promise.race([Promise.all([consumer.disconnect(), producer.disconnect()]), new Promise((r) => setTimeout(r, 3000))]);
process.exit(got.size === count ? 0 : 1);
