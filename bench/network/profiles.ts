/** The networks that the bench emulates. */
export { type NetworkProfile, networkProfile, PROFILES } from '../../transport/network-profiles.ts';
