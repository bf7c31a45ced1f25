// nodemailer's pool: COUNT mails over CONNECTIONS connections that stay open. Words: PORT COUNT CONNECTIONS
const fs = require("node:fs");
const nodemailer = require("nodemailer");

const [port, count, connections] = process.argv.slice(2).map(Number);
const text = fs.readFileSync("message.txt", "utf8");
const html = fs.readFileSync("message.html", "utf8");
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port,
  pool: true,
  maxConnections: connections,
  maxMessages: Infinity,
  ignoreTLS: true,
});

async function main() {
  let next = 0;
  const begun = process.hrtime.bigint();
  const before = process.cpuUsage();
  const feed = async () => {
    while (next < count) {
      const number = next++;
      await transport.sendMail({
        from: "The Recap <recap@example.org>",
        to: `Reader ${number} <reader${number}@example.org>`,
        subject: "The week in AI",
        textEncoding: "quoted-printable",
        text,
        html,
      });
    }
  };
  await Promise.all(Array.from({ length: 2 * connections }, feed));
  const used = process.cpuUsage(before);
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  transport.close();
  console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6 }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
