-- The schema as it was after migration 001: a released migration never changes, so neither does this.
CREATE TABLE "kysely_migration" (
  "name" varchar(255) not null primary key,
  "timestamp" varchar(255) not null);
CREATE TABLE "kysely_migration_lock" (
  "id" varchar(255) not null primary key,
  "is_locked" integer default 0 not null);
CREATE TABLE "client" (
  "client_id" text not null primary key,
  "client_name" text not null,
  "token_endpoint_auth_method" text not null,
  "grant_types" text not null,
  "scope" text not null,
  "redirect_uris" text not null,
  "resources" text not null,
  "resource_server" text,
  "jwks" text,
  "without_certificate" integer not null,
  "tls_identity" text,
  "disabled" integer not null,
  "created" bigint not null);
CREATE TABLE "client_secret" (
  "client_id" text not null references "client" ("client_id") on delete cascade,
  "digest" text not null,
  "created" bigint not null,
  "expires" bigint,
  "last_used" bigint,
  constraint "client_secret_key" primary key ("client_id",
  "digest"));
CREATE TABLE "client_certificate" (
  "client_id" text not null references "client" ("client_id") on delete cascade,
  "thumbprint" text not null,
  "der" blob not null,
  "subject" text not null,
  "not_after" bigint not null,
  "last_used" bigint,
  constraint "client_certificate_key" primary key ("client_id",
  "thumbprint"));
CREATE TABLE "account" (
  "account_id" text not null primary key,
  "username" text not null unique,
  "password" text not null,
  "disabled" integer not null,
  "created" bigint not null);
CREATE TABLE "grant" (
  "grant_id" text not null primary key,
  "client_id" text references "client" ("client_id") on delete cascade,
  "sub" text,
  "scope" text,
  "resources" text,
  "claims" text,
  "created" bigint not null,
  "expires" bigint not null,
  "revoked" bigint);
CREATE TABLE "refresh_token" (
  "digest" text not null primary key,
  "grant_id" text not null references "grant" ("grant_id") on delete cascade,
  "created" bigint not null,
  "expires" bigint not null,
  "used" bigint);
CREATE TABLE "code" (
  "digest" text not null primary key,
  "grant_id" text not null,
  "client_id" text not null references "client" ("client_id") on delete cascade,
  "sub" text not null,
  "scope" text not null,
  "resources" text not null,
  "redirect_uri" text not null,
  "code_challenge" text not null,
  "nonce" text,
  "auth_time" bigint not null,
  "expires" bigint not null,
  "used" bigint);
CREATE TABLE "par" (
  "digest" text not null primary key,
  "client_id" text not null references "client" ("client_id") on delete cascade,
  "parameters" text not null,
  "expires" bigint not null);
CREATE TABLE "session" (
  "digest" text not null primary key,
  "account_id" text not null references "account" ("account_id") on delete cascade,
  "auth_time" bigint not null,
  "expires" bigint not null);
CREATE TABLE "replay" (
  "digest" text not null primary key,
  "expires" bigint not null);
CREATE TABLE "signing_key" (
  "kid" text not null primary key,
  "alg" text not null,
  "created" bigint not null,
  "replaced" bigint,
  "published_until" bigint);
CREATE TABLE "counter" (
  "name" text not null primary key,
  "value" bigint not null);
CREATE INDEX "client_certificate_thumbprint" on "client_certificate" (
  "thumbprint");
CREATE INDEX "grant_client_id" on "grant" (
  "client_id");
CREATE INDEX "grant_sub" on "grant" (
  "sub");
CREATE INDEX "grant_expires" on "grant" (
  "expires");
CREATE INDEX "refresh_token_grant_id" on "refresh_token" (
  "grant_id");
CREATE INDEX "code_client_id" on "code" (
  "client_id");
CREATE INDEX "code_sub" on "code" (
  "sub");
CREATE INDEX "code_expires" on "code" (
  "expires");
CREATE INDEX "par_client_id" on "par" (
  "client_id");
CREATE INDEX "par_expires" on "par" (
  "expires");
CREATE INDEX "session_account_id" on "session" (
  "account_id");
CREATE INDEX "session_expires" on "session" (
  "expires");
CREATE INDEX "replay_expires" on "replay" (
  "expires");
insert into kysely_migration values ('001', '2025-01-01T00:00:00.000Z');
insert into kysely_migration_lock values ('migration_lock', 0);
insert into counter values ('version', 0);
